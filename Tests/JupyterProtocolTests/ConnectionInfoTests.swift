import ParleyTestSupport
import Testing

@testable import JupyterProtocol

@Suite("connection files")
struct ConnectionInfoTests {
  private static let good = #"""
    {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5, "ip": "127.0.0.1",
     "key": "k", "transport": "tcp", "signature_scheme": "hmac-sha512", "kernel_name": "p", "x": {"y": [1]}}
    """#

  private func read(_ text: String) throws(ConfigurationError) -> ConnectionInfo {
    try ConnectionInfo(json: Array(text: text), from: "/f.json")
  }

  /// The good file with one text replaced.
  private func read(_ old: String, _ new: String) throws(ConfigurationError) -> ConnectionInfo {
    try read(Self.good.split(separator: old, omittingEmptySubsequences: false).joined(separator: new))
  }

  @Test("every field is taken")
  func fields() throws {
    let info = try read(Self.good)
    #expect(info.ports == .init(shell: 1, iopub: 2, stdin: 3, control: 4, heartbeat: 5))
    #expect(
      info.transport == .tcp && info.ip == "127.0.0.1" && info.key == "k" && info.signatureScheme == .sha512)
    #expect(info.curve == nil)
  }

  @Test("ports may be texts, whole decimals, 0 or less for any free one")
  func ports() throws {
    #expect(try read(#""shell_port": 1"#, #""shell_port": "40123""#).ports.shell == 40123)
    #expect(try read(#""shell_port": 1"#, #""shell_port": 7.0"#).ports.shell == 7)
    #expect(try read(#""shell_port": 1"#, #""shell_port": 0"#).ports.shell == 0)
    #expect(try read(#""shell_port": 1"#, #""shell_port": -1"#).ports.shell == 0)
  }

  @Test("the scheme has a default; transport and key must be there: unsigned only on purpose")
  func defaults() throws {
    let ports = #""shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"ip":"/tmp/k""#
    let info = try read("{\(ports),\"transport\":\"ipc\",\"key\":\"\"}")
    #expect(info.transport == .ipc && info.signatureScheme == .sha256 && info.key.isEmpty)
    #expect(throws: ConfigurationError.self) { try read("{\(ports),\"key\":\"k\"}") }
    #expect(throws: ConfigurationError.self) { try read("{\(ports),\"transport\":\"tcp\"}") }
  }

  @Test("every scheme of the specification is known by its name", arguments: SignatureScheme.allCases)
  func schemes(scheme: SignatureScheme) throws {
    #expect(try read("hmac-sha512", scheme.rawValue).signatureScheme == scheme)
  }

  @Test("curve keys are taken when both are there")
  func curve() throws {
    let key = String(repeating: "a", count: 40)
    let info = try read(
      #""key": "k""#, "\"key\": \"k\", \"curve_publickey\": \"\(key)\", \"curve_secretkey\": \"\(key)\"")
    #expect(info.curve?.publicKey == key && info.curve?.secretKey == key)
    // Half a pair must not lead to a kernel without encryption.
    #expect(throws: ConfigurationError.self) {
      try read(#""key": "k""#, "\"key\": \"k\", \"curve_publickey\": \"\(key)\"")
    }
    #expect(throws: ConfigurationError.self) {
      try read(#""key": "k""#, #""key": "k", "curve_publickey": "short", "curve_secretkey": "short""#)
    }
  }

  @Test(
    "an error is one line that names the file and what is wrong",
    arguments: [
      (#""shell_port": 1, "#, "", "shell_port"), (#""hb_port": 5"#, #""hb_port": null"#, "hb_port"),
      (#""hb_port": 5"#, #""hb_port": "x""#, "hb_port"), (#""hb_port": 5"#, #""hb_port": 65536"#, "hb_port"),
      (#""hb_port": 5"#, #""hb_port": 1.5"#, "hb_port"), (#""127.0.0.1""#, "\"\"", "ip"),
      (#""127.0.0.1""#, "null", "ip"),
      ("\"tcp\"", "\"udp\"", "udp"), ("hmac-sha512", "hmac-sha3", "hmac-sha3"), ("{", "[", "JSON"),
    ])
  func errors(old: String, new: String, names: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(old, new) }
    let text = error?.description ?? ""
    #expect(text.contains("/f.json") && text.contains(names))
    #expect(!text.contains("\n"))
    #expect(error?.remedy.isEmpty == false)
  }

  @Test("the key is in no error")
  func secret() {
    let error = #expect(throws: ConfigurationError.self) {
      try read(#"{"key": "very-secret", "ip": "1.2.3.4", "shell_port": []}"#)
    }
    #expect(error?.description.contains("very-secret") == false)
  }

  @Test("written back it keeps what it does not know, in its place, with the new ports")
  func roundTrip() throws {
    var info = try read(Self.good)
    info.ports = .init(shell: 11, iopub: 12, stdin: 13, control: 14, heartbeat: 15)
    #expect(
      info.encoded.text
        == #"{"shell_port":11,"iopub_port":12,"stdin_port":13,"control_port":14,"hb_port":15,"#
        + #""ip":"127.0.0.1","key":"k","transport":"tcp","signature_scheme":"hmac-sha512","kernel_name":"p","x":{"y":[1]}}"#
        + "\n")
    let again = try read(info.encoded.text)
    #expect(again.ports == info.ports)
    #expect(again.members == JSONScanner.parse(info.encoded)?.members)
  }

  @Test("one made here is complete")
  func ownFile() throws {
    let key = String(repeating: "z", count: 40)
    let own = ConnectionInfo(
      ports: .init(shell: 1, iopub: 2, stdin: 3, control: 4, heartbeat: 5), key: "secret",
      curve: .init(publicKey: key, secretKey: key))
    let info = try read(own.encoded.text)
    #expect(info.ports == own.ports && info.key == "secret" && info.curve?.publicKey == key)
  }

  @Test("endpoints of both transports")
  func endpoints() {
    let tcp = ConnectionInfo(ip: "127.0.0.1", key: "")
    #expect(tcp.endpoint(port: 5) == "tcp://127.0.0.1:5")
    #expect(tcp.endpoint(port: 0) == "tcp://127.0.0.1:*")
    #expect(ConnectionInfo(transport: .ipc, ip: "/tmp/k", key: "").endpoint(port: 5) == "ipc:///tmp/k-5")
  }
}
