import COpenSSL
import JupyterProtocol

/// Signs and verifies messages: an HMAC over the four JSON frames as raw bytes, in lower-case hexadecimal.
///
/// Buffers are not signed. With an empty key signatures are empty and everything passes.
/// Source: messaging specification, "The wire protocol". Not thread-safe: the event loop owns it.
final class MessageSigner {
  private let hmac: OpaquePointer?

  /// - Throws: ``ConfigurationError`` when OpenSSL does not offer the digest (FIPS without MD5).
  init(scheme: SignatureScheme, key: String) throws(ConfigurationError) {
    guard !key.isEmpty else {
      hmac = nil
      return
    }
    let bytes = Array(key.utf8)
    guard let hmac = parley_hmac_new(scheme.digestName, bytes, bytes.count) else {
      throw Self.unavailable(scheme)
    }
    self.hmac = hmac
  }

  deinit {
    parley_hmac_free(hmac)
  }

  var isEnabled: Bool { hmac != nil }

  /// The signature of the parts in order; empty without a key.
  func signature(of parts: [[UInt8]]) -> [UInt8] {
    guard let hmac else { return [] }
    parley_hmac_begin(hmac)
    for part in parts { parley_hmac_add(hmac, part, part.count) }
    var code = [UInt8](repeating: 0, count: 64)
    let length = parley_hmac_end(hmac, &code)
    return Self.hexadecimal(code[..<length])
  }

  /// Whether `claimed` is the signature of the parts. The comparison takes the same time wherever they differ.
  func verify(_ claimed: [UInt8], of parts: [[UInt8]]) -> Bool {
    guard isEnabled else { return true }
    let expected = signature(of: parts)
    // An empty one means that the library has failed: then nobody is believed.
    return !expected.isEmpty && claimed.count == expected.count
      && parley_equal_in_constant_time(claimed, expected, expected.count) != 0
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return text
  }

  private static func unavailable(_ scheme: SignatureScheme) -> ConfigurationError {
    ConfigurationError(
      "OpenSSL does not offer the signature scheme \(scheme.rawValue)", remedy: "use hmac-sha256",
      kind: .unavailable)
  }
}
