import Testing

@testable import KernelSpecs

@Suite("kernel.json")
struct KernelSpecFileTests {
  @Test("a file goes round and keeps its metadata")
  func roundTrip() throws {
    let spec = KernelSpecFile(
      argv: ["{prefix}/bin/parley", "kernel", "-f", "{connection_file}"], displayName: "Parley",
      language: "python", env: [.init(name: "A", value: "${HOME}/x")], interruptMode: .message,
      metadata: .object([.init("supported_encryption", .array([.string("curve")]))]))
    let text = String(decoding: spec.encoded, as: UTF8.self)
    #expect(
      text == """
        {
          "argv": ["{prefix}/bin/parley", "kernel", "-f", "{connection_file}"],
          "display_name": "Parley",
          "language": "python",
          "interrupt_mode": "message",
          "kernel_protocol_version": "5.6.0",
          "env": {
            "A": "${HOME}/x"
          },
          "metadata": {
            "supported_encryption": ["curve"]
          }
        }

        """)
    #expect(try KernelSpecFile.decode(spec.encoded, path: "x") == spec)
    #expect(spec.isParley)
  }

  @Test("files of other kernels are read with their liberties, wrong ones are said to be wrong")
  func others() throws {
    let spec = try KernelSpecFile.decode(
      Array(
        #"{"argv": ["R"], "display_name": "R", "language": "R", "kernel_protocol_version": "5.5", "x": 1}"#
          .utf8),
      path: "x")
    #expect(spec.interruptMode == .signal && spec.kernelProtocolVersion == "5.5" && !spec.isParley)
    #expect(
      failure { _ = try KernelSpecFile.decode(Array(#"{"argv": ["R"], "language": "R"}"#.utf8), path: "/k") }
        == "wrong kernelspec /k: 'display_name' must be a string; correct it")
  }
}
