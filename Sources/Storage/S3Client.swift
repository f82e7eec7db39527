import Glibc
import NotebookRunner

/// Signed requests to one S3, with what is put right on the way: the region, the clock, credentials that have ended.
///
/// Invariant: everything runs on the worker of the stores.
final class S3Client: @unchecked Sendable {
  private let client: HTTPClient
  private let environment: [String: String]
  private var settings: S3Settings?
  private var credentials: AWSCredentials?
  /// How far the server's clock is ahead of ours, in seconds.
  private var clockOffset = 0

  init(_ client: HTTPClient, environment: [String: String]) {
    self.client = client
    self.environment = environment
  }

  func send(
    _ method: String, _ address: S3Address, query: [(String, String)] = [], headers: [(String, String)] = [],
    body: [UInt8]? = nil
  ) throws -> HTTPResponse {
    // Each thing is put right once at most.
    var corrected: Set<String> = []
    while true {
      let response = try client.send(isTransient: Self.isTransient) {
        try request(method, address, query: query, headers: headers, body: body)
      }
      guard !response.isSuccess, let correction = correction(for: response),
        corrected.insert(correction).inserted
      else { return response }
    }
  }

  private static func isTransient(_ response: HTTPResponse) -> Bool {
    if response.isTransient { return true }
    switch response.status {
    // Complete of a multipart upload may say 200 first and then what went wrong.
    case 200, 400, 409:
      guard response.body.count < 64 << 10, response.body.starts(with: "<".utf8) else { return false }
      let codes = [
        "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "InternalError", "SlowDown",
      ]
      return codes.contains(S3Error(response).code)
    default: return false
    }
  }

  /// What was put right after this answer, so that the request may be sent again.
  private func correction(for response: HTTPResponse) -> String? {
    if let region = response.headers["x-amz-bucket-region"], [301, 307, 400].contains(response.status),
      region != settings?.region
    {
      settings?.region = region
      return "region"
    }
    switch S3Error(response).code {
    case "ExpiredToken", "TokenRefreshRequired":
      credentials = nil
      settings = nil
      return "credentials"
    case "RequestTimeTooSkewed":
      guard let theirs = response.headers["date"].flatMap(Self.seconds) else { return nil }
      clockOffset = theirs - time(nil)
      return "clock"
    default: return nil
    }
  }

  /// Of a date such as `Wed, 21 Oct 2015 07:28:00 GMT`.
  static func seconds(httpDate: String) -> Int? {
    let words = httpDate.split { " :".contains($0) }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let numbers = words.compactMap { Int32($0) }
    guard words.count == 8, numbers.count == 5, let month = months.firstIndex(of: String(words[2])) else {
      return nil
    }
    var parts = tm()
    parts.tm_mday = numbers[0]
    parts.tm_mon = Int32(month)
    parts.tm_year = numbers[1] - 1900
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4])
    return timegm(&parts)
  }

  private func request(
    _ method: String, _ address: S3Address, query: [(String, String)], headers: [(String, String)],
    body: [UInt8]?
  ) throws -> HTTPRequest {
    let settings = try currentSettings()
    let credentials = try currentCredentials(settings)
    let location = settings.location(of: address)
    let signer = SigV4(
      credentials: credentials, region: settings.region, date: stamp("%Y%m%dT%H%M%SZ", after: clockOffset))
    let queryText = SigV4.canonicalQuery(query)
    var request = HTTPRequest(
      method,
      "\(location.scheme)://\(location.host)\(location.path)\(queryText.isEmpty ? "" : "?")\(queryText)")
    request.headers = signer.sign(
      method: method, host: location.host, path: location.path, query: query, headers: headers,
      body: body ?? [])
    request.body = body
    return request
  }

  private func currentSettings() throws -> S3Settings {
    if let settings { return settings }
    let found = try S3Settings(environment: environment)
    settings = found
    return found
  }

  private func currentCredentials(_ settings: S3Settings) throws -> AWSCredentials {
    // Both texts are of one form, so their order is that of time.
    if let credentials, credentials.expiration.map({ $0 > stamp("%Y-%m-%dT%H:%M:%SZ", after: 300) }) ?? true {
      return credentials
    }
    let found = try CredentialChain(environment: environment, settings: settings, client: client).find()
    credentials = found
    return found
  }

  private func stamp(_ format: String, after seconds: Int) -> String {
    var now = time(nil) + seconds
    var parts = tm()
    gmtime_r(&now, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, format, &parts)
    return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
