import Testing

@testable import Storage

@Suite("signatures of version 4")
struct SigningTests {
  private static let amazon = AWSCredentials(
    accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
  private static let odd = AWSCredentials(
    accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: "to/ken+=")

  /// The examples of "Signature Calculations for the Authorization Header", Amazon S3 API reference.
  @Test(
    "Amazon's examples",
    arguments: [
      (
        "GET", "/test.txt", [], [("range", "bytes=0-9")], "",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
      ),
      (
        "PUT", "/test%24file.text", [],
        [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
        "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
      ),
      (
        "GET", "/", [("lifecycle", "")], [], "",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
      ),
      (
        "GET", "/", [("max-keys", "2"), ("prefix", "J")], [], "",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
      ),
    ] as [(String, String, [(String, String)], [(String, String)], String, String)])
  func examples(
    method: String, path: String, query: [(String, String)], headers: [(String, String)], body: String,
    signature: String
  ) {
    let signer = SigV4(credentials: Self.amazon, region: "us-east-1", date: "20130524T000000Z")
    let signed = signer.sign(
      method: method, host: "examplebucket.s3.amazonaws.com", path: path, query: query, headers: headers,
      body: Array(body.utf8))
    #expect(Self.signature(signed) == signature)
  }

  @Test("botocore sends the same path and signature for odd keys", arguments: SignatureVectors.keys)
  func keys(key: String, path: String, signature: String) throws {
    var environment = ["AWS_ENDPOINT_URL_S3": "http://s3.example:9000/", "AWS_REGION": "eu-west-1"]
    environment["HOME"] = "/nonexistent"
    let address = try S3Address("s3://bucket.with.dots/\(key)")
    let location = try S3Settings(environment: environment).location(of: address)
    #expect(location.path == path)
    let signer = SigV4(credentials: Self.odd, region: "eu-west-1", date: "20260102T030405Z")
    let signed = signer.sign(
      method: "GET", host: location.host, path: location.path, query: [], headers: [], body: [])
    #expect(Self.signature(signed) == signature)
  }

  @Test("botocore makes the same of queries", arguments: SignatureVectors.queries)
  func queries(query: [(String, String)], text: String, signature: String) {
    #expect(SigV4.canonicalQuery(query) == text)
    let signer = SigV4(credentials: Self.odd, region: "eu-west-1", date: "20260102T030405Z")
    let signed = signer.sign(
      method: "GET", host: "s3.example:9000", path: "/bucket/key", query: query, headers: [], body: [])
    #expect(Self.signature(signed) == signature)
  }

  private static func signature(_ headers: [(String, String)]) -> String? {
    headers.last { $0.0 == "authorization" }?.1.split(separator: "Signature=").last.map(String.init)
  }
}
