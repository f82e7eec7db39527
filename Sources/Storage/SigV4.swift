/// AWS Signature Version 4 for S3: the path is encoded once and never normalised, the payload always hashed.
///
/// Source: "Signature Calculations for the Authorization Header", Amazon S3 API reference.
struct SigV4 {
  let credentials: AWSCredentials
  let region: String
  /// `20260102T030405Z`
  let date: String

  /// The request's headers with those of the signature. `host` must be the one that is sent.
  func sign(
    method: String, host: String, path: String, query: [(String, String)], headers: [(String, String)],
    body: [UInt8]
  )
    -> [(String, String)]
  {
    let hash = Digest.hexadecimal(Digest.sha256(body))
    var all = headers + [("host", host), ("x-amz-content-sha256", hash), ("x-amz-date", date)]
    if let token = credentials.sessionToken { all.append(("x-amz-security-token", token)) }
    all.sort { $0.0 < $1.0 }
    let names = all.map(\.0).joined(separator: ";")
    let canonical = Self.canonicalRequest(
      method: method, path: path, query: query, headers: all, names: names, hash: hash)
    let scope = "\(date.prefix(8))/\(region)/s3/aws4_request"
    let text =
      "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n" + Digest.hexadecimal(Digest.sha256(Array(canonical.utf8)))
    let signature = Digest.hexadecimal(Digest.hmac(signingKey, text))
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
    return all + [("authorization", authorization)]
  }

  /// - Parameter headers: names in lower case, in order.
  static func canonicalRequest(
    method: String, path: String, query: [(String, String)], headers: [(String, String)], names: String,
    hash: String
  ) -> String {
    var text = "\(method)\n\(path)\n\(canonicalQuery(query))\n"
    for (name, value) in headers { text += "\(name):\(trimmed(value))\n" }
    return text + "\n\(names)\n\(hash)"
  }

  /// Sorted by encoded name, then value; also what is sent. A name without a value has its `=`.
  static func canonicalQuery(_ query: [(String, String)]) -> String {
    query.map { (PercentEncoding.encode($0.0), PercentEncoding.encode($0.1)) }.sorted { $0 < $1 }
      .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  private var signingKey: [UInt8] {
    [region, "s3", "aws4_request"].reduce(
      Digest.hmac(Array("AWS4\(credentials.secretKey)".utf8), String(date.prefix(8)))
    ) { Digest.hmac($0, $1) }
  }

  /// Without white space at the ends, runs of it as one space.
  private static func trimmed(_ value: String) -> String {
    value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
