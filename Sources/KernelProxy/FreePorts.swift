import Glibc
import PosixSupport

/// Free TCP ports of the loopback interface, for kernels that know no other transport.
enum FreePorts {
  /// Five different ones. They are held together and let go together; as with every Jupyter client, another
  /// program may take one before the kernel does, and then the kernel says so when it starts.
  static func five() throws(SystemError) -> [Int] {
    var held: [Int32] = []
    defer { for descriptor in held { close(descriptor) } }
    var ports: [Int] = []
    for _ in 0..<5 {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw SystemError("cannot make a socket") }
      held.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
        }
      }
      guard result else { throw SystemError("cannot find a free port") }
      ports.append(Int(UInt16(bigEndian: address.sin_port)))
    }
    return ports
  }
}
