/// One request, as it goes to libcurl.
struct HTTPRequest: Sendable {
  var method: String
  var url: String
  var headers: [(String, String)] = []
  var body: [UInt8]?
  var followsRedirects = false
  var readsNetrc = false
  var ignoresProxies = false
  /// The most seconds without a connection, and without progress.
  var connectSeconds = 10
  var stallSeconds = 30
  /// The most seconds for everything.
  var totalSeconds = 3600
  /// The most bytes of an answer.
  var limit = 1 << 30

  init(_ method: String, _ url: String) {
    self.method = method
    self.url = url
  }

  /// The address without what may be secret: name and password, and the query, which may be a signature.
  var place: String { HTTPRequest.withoutSecrets(url) }

  static func withoutSecrets(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let head = rest.prefix { !"/?#".contains($0) }
    let tail = rest[head.endIndex...].prefix { !"?#".contains($0) }
    let host = head.lastIndex(of: "@").map { head[head.index(after: $0)...] } ?? head[...]
    return "\(url[..<scheme.upperBound])\(host)\(tail)"
  }
}

/// What came back: any status is an answer.
struct HTTPResponse: Sendable {
  var status: Int
  /// Names in lower case.
  var headers: [String: String] = [:]
  var body: [UInt8] = []

  init(status: Int, head: String, body: [UInt8]) {
    self.status = status
    self.body = body
    for line in head.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop(while: \.isWhitespace)
      headers[line[..<colon].lowercased()] = String(value)
    }
  }

  var isSuccess: Bool { (200..<300).contains(status) }
  /// The status is of the moment: the server is busy or broken, and may not be soon.
  var isTransient: Bool { status == 429 || status == 408 || (500..<600).contains(status) && status != 501 }
  /// Unquoted or quoted, strong or weak: as the server gave it.
  var tag: String? { headers["etag"] }
}
