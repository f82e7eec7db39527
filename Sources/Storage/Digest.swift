import COpenSSL

/// SHA-256 and its HMAC, by OpenSSL.
enum Digest {
  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
      guard let place = digest.baseAddress else { return }
      parley_sha256(bytes, bytes.count, place)
      count = 32
    }
  }

  static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
    guard let hmac = parley_hmac_new("SHA256", key, key.count) else {
      preconditionFailure("no memory for a signature")
    }
    defer { parley_hmac_free(hmac) }
    let data = Array(text.utf8)
    parley_hmac_add(hmac, data, data.count)
    var digest = [UInt8](repeating: 0, count: 64)
    let length = parley_hmac_end(hmac, &digest)
    return Array(digest[..<length])
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
