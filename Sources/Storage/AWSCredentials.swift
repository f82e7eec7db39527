/// Who signs.
struct AWSCredentials: Sendable, Equatable {
  var accessKey: String
  var secretKey: String
  var sessionToken: String?
  /// When they end, as `2026-01-02T03:04:05Z`; nil when they do not say.
  var expiration: String?

  init(accessKey: String, secretKey: String, sessionToken: String? = nil, expiration: String? = nil) {
    self.accessKey = accessKey
    self.secretKey = secretKey
    self.sessionToken = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
    self.expiration = expiration
  }
}
