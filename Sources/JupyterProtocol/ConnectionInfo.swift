/// What a connection file says: where the five sockets are and how messages are signed.
///
/// Source: jupyter_client, "Connection files"; JEP 106. Unknown keys are ignored. Ports may be numbers or
/// strings; a port of 0 or less means "bind a free one and write it back".
public struct ConnectionInfo: Sendable {
  public enum Transport: String, Sendable {
    case tcp
    case ipc
  }

  /// CurveZMQ keys of the kernel, Z85, 40 characters each.
  public struct CurveKeys: Sendable {
    public let publicKey: String
    public let secretKey: String

    public init(publicKey: String, secretKey: String) {
      self.publicKey = publicKey
      self.secretKey = secretKey
    }
  }

  public struct Ports: Sendable, Equatable {
    public var shell: Int
    public var iopub: Int
    public var stdin: Int
    public var control: Int
    public var heartbeat: Int

    public init(shell: Int = 0, iopub: Int = 0, stdin: Int = 0, control: Int = 0, heartbeat: Int = 0) {
      self.shell = shell
      self.iopub = iopub
      self.stdin = stdin
      self.control = control
      self.heartbeat = heartbeat
    }

    public var all: [Int] { [shell, iopub, stdin, control, heartbeat] }
  }

  public var transport: Transport
  /// The address for tcp, the path prefix for ipc.
  public var ip: String
  public var ports: Ports
  public var signatureScheme: SignatureScheme
  /// The signing key as text; empty means unsigned.
  public var key: String
  public var curve: CurveKeys?
  /// The object as read, for writing back what we do not know.
  public var members: [JSONValue.Member]

  public init(
    transport: Transport = .tcp, ip: String = "127.0.0.1", ports: Ports = Ports(),
    signatureScheme: SignatureScheme = .sha256, key: String, curve: CurveKeys? = nil,
    members: [JSONValue.Member] = []
  ) {
    self.transport = transport
    self.ip = ip
    self.ports = ports
    self.signatureScheme = signatureScheme
    self.key = key
    self.curve = curve
    self.members = members
  }

  /// Reads the JSON text of a connection file.
  ///
  /// - Throws: ``ConfigurationError`` naming the key that is missing or wrong.
  public init(json: [UInt8], from path: String) throws(ConfigurationError) {
    guard let value = JSONScanner.parse(json), let members = value.members else {
      throw ConfigurationError(
        "cannot read the connection file \(path): it is not a JSON object",
        remedy: "let the front end write it anew")
    }
    func port(_ name: String) throws(ConfigurationError) -> Int {
      let member = value[name]
      guard let number = member?.integer ?? member?.string.flatMap({ Int($0) }), number <= 65535 else {
        throw ConfigurationError(
          "connection file \(path): \"\(name)\" is missing or is no port number",
          remedy: "give it a number, 0 for any free port")
      }
      return max(0, number)
    }
    func text(_ name: String) throws(ConfigurationError) -> String {
      guard let text = value[name]?.string else {
        throw ConfigurationError(
          "connection file \(path): \"\(name)\" is missing or is no string",
          remedy: "let the front end write it anew")
      }
      return text
    }
    let transportName = try text("transport")
    guard let transport = Transport(rawValue: transportName) else {
      throw ConfigurationError(
        "connection file \(path): the transport \"\(transportName)\" is not supported",
        remedy: "use tcp or ipc")
    }
    // An absent key must not mean "unsigned" by accident; an empty one says so on purpose.
    let key = try text("key")
    let schemeName = value["signature_scheme"]?.string ?? "hmac-sha256"
    guard let scheme = SignatureScheme(rawValue: schemeName) else {
      throw ConfigurationError(
        "connection file \(path): the signature scheme \"\(schemeName)\" is not supported",
        remedy: "use one of \(SignatureScheme.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let curve = try Self.curveKeys(value, path)
    guard let ip = value["ip"]?.string, !ip.isEmpty else {
      throw ConfigurationError(
        "connection file \(path): \"ip\" is missing", remedy: "add the address to bind, for example 127.0.0.1"
      )
    }
    self.init(
      transport: transport, ip: ip,
      ports: Ports(
        shell: try port("shell_port"), iopub: try port("iopub_port"), stdin: try port("stdin_port"),
        control: try port("control_port"), heartbeat: try port("hb_port")),
      signatureScheme: scheme, key: key, curve: curve, members: members)
  }

  /// Both keys or none: a file with half a pair must not lead to a kernel without encryption.
  private static func curveKeys(_ value: JSONValue, _ path: String) throws(ConfigurationError) -> CurveKeys? {
    let names = ["curve_publickey", "curve_secretkey"]
    guard names.contains(where: { value[$0] != nil && value[$0] != .null }) else { return nil }
    for name in names where value[name]?.string?.utf8.count != 40 {
      throw ConfigurationError(
        "connection file \(path): \"\(name)\" is missing or has not the 40 characters of a curve key",
        remedy: "let the front end write it anew")
    }
    return CurveKeys(
      publicKey: value[names[0]]?.string ?? "", secretKey: value[names[1]]?.string ?? "")
  }

  /// The file's text: the members as read, with ours put in their place.
  public var encoded: [UInt8] {
    var object: [JSONValue.Member] = members
    func set(_ name: String, _ value: JSONValue) {
      if let index = object.firstIndex(where: { $0.name == name }) {
        object[index].value = value
      } else {
        object.append(.init(name, value))
      }
    }
    set("transport", .string(transport.rawValue))
    set("ip", .string(ip))
    set("shell_port", .integer(ports.shell))
    set("iopub_port", .integer(ports.iopub))
    set("stdin_port", .integer(ports.stdin))
    set("control_port", .integer(ports.control))
    set("hb_port", .integer(ports.heartbeat))
    set("signature_scheme", .string(signatureScheme.rawValue))
    set("key", .string(key))
    if let curve {
      set("curve_publickey", .string(curve.publicKey))
      set("curve_secretkey", .string(curve.secretKey))
    }
    return JSONValue.object(object).encoded + [UInt8(ascii: "\n")]
  }

  /// The ZeroMQ endpoint of a port.
  public func endpoint(port: Int) -> String {
    switch transport {
    case .tcp: port > 0 ? "tcp://\(ip):\(port)" : "tcp://\(ip):*"
    case .ipc: "ipc://\(ip)-\(port)"
    }
  }
}

/// How messages are signed: an HMAC with one of these digests.
public enum SignatureScheme: String, Sendable, CaseIterable {
  case sha256 = "hmac-sha256"
  case sha512 = "hmac-sha512"
  case sha384 = "hmac-sha384"
  case sha1 = "hmac-sha1"
  case md5 = "hmac-md5"

  /// OpenSSL's name of the digest.
  public var digestName: String {
    switch self {
    case .sha256: "SHA256"
    case .sha512: "SHA512"
    case .sha384: "SHA384"
    case .sha1: "SHA1"
    case .md5: "MD5"
    }
  }
}

/// What the operator has to mend before the kernel can run: one line, and what to do.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  public let problem: String
  public let remedy: String
  /// What kind of failure, for the exit code.
  public let kind: Kind

  public enum Kind: Sendable {
    case configuration
    case inputMissing
    case portTaken
    case unavailable
    case cannotCreate
  }

  public init(_ problem: String, remedy: String, kind: Kind = .configuration) {
    self.problem = problem
    self.remedy = remedy
    self.kind = kind
  }

  public var description: String { "\(problem); \(remedy)" }
}
