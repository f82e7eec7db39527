import NotebookRunner
import Testing

@testable import Storage

@Suite("settings of S3")
struct SettingsTests {
  private static let config = """
    # mine
    [default]
    region = eu-north-1

    [profile work]
    region=ap-south-1  ; near
    services = local
    s3 =
      addressing_style = virtual
      max_concurrent_requests = 20

    [services local]
    s3 =
        endpoint_url = http://minio:9000/base/

    [sso-session x]
    sso_start_url = https://x
    """
  private static let credentials = """
    [default]
    aws_access_key_id=AK
    aws_secret_access_key = se#c;ret=+/
    [work]
    aws_access_key_id = WORK
    aws_secret_access_key = SECRET
    aws_session_token = TOKEN==
    """

  @Test("a profile is read from both files, with what is nested and what a section of services says")
  func profile() {
    let work = AWSProfile(name: "work", credentials: Self.credentials, config: Self.config)
    #expect(work["region"] == "ap-south-1")
    #expect(work["s3.addressing_style"] == "virtual")
    #expect(work["services.s3.endpoint_url"] == "http://minio:9000/base/")
    #expect(work["aws_session_token"] == "TOKEN==")
    let plain = AWSProfile(name: "default", credentials: Self.credentials, config: Self.config)
    #expect(plain["aws_secret_access_key"] == "se#c;ret=+/")
    #expect(plain["region"] == "eu-north-1")
    #expect(plain["sso_start_url"] == nil)
    #expect(!AWSProfile(name: "none", credentials: Self.credentials, config: Self.config).isThere)
  }

  @Test(
    "where a bucket is",
    arguments: [
      ([:], "s3://bucket/k", "https://bucket.s3.us-east-1.amazonaws.com/k"),
      (["AWS_REGION": "cn-north-1"], "s3://bucket/k", "https://bucket.s3.cn-north-1.amazonaws.com.cn/k"),
      (
        ["AWS_DEFAULT_REGION": "eu-west-1"], "s3://dots.are.here/k",
        "https://s3.eu-west-1.amazonaws.com/dots.are.here/k"
      ),
      (["AWS_ENDPOINT_URL": "http://h:80/"], "s3://bucket/k", "http://h/bucket/k"),
      (["AWS_ENDPOINT_URL": "https://h:8443/base"], "s3://bucket/k", "https://h:8443/base/bucket/k"),
      (
        [
          "AWS_ENDPOINT_URL": "http://b", "AWS_ENDPOINT_URL_S3": "http://a", "BOTO3_ENDPOINT_URL": "http://c",
        ],
        "s3://bucket/k", "http://a/bucket/k"
      ),
      (["BOTO3_ENDPOINT_URL": "http://c"], "s3://bucket/k", "http://c/bucket/k"),
      (
        ["AWS_ENDPOINT_URL": "http://h:9", "PARLEY_S3_ADDRESSING": "virtual"], "s3://bucket/k",
        "http://bucket.h:9/k"
      ),
      (["PARLEY_S3_ADDRESSING": "path"], "s3://bucket/k", "https://s3.us-east-1.amazonaws.com/bucket/k"),
    ] as [([String: String], String, String)])
  func place(variables: [String: String], uri: String, url: String) throws {
    let settings = try S3Settings(environment: variables.merging(["HOME": "/nonexistent"]) { $1 })
    let location = try settings.location(of: S3Address(uri))
    #expect("\(location.scheme)://\(location.host)\(location.path)" == url)
  }

  @Test(
    "what is wrong is said at once",
    arguments: [
      ["AWS_PROFILE": "nobody"], ["AWS_ENDPOINT_URL": "minio:9000"], ["AWS_ENDPOINT_URL": "http://u:p@h"],
      ["PARLEY_S3_ADDRESSING": "sideways"],
    ])
  func wrong(variables: [String: String]) {
    let error = #expect(throws: StorageError.self) {
      try S3Settings(environment: variables.merging(["HOME": "/nonexistent"]) { $1 })
    }
    #expect(error?.remedy.isEmpty == false)
    #expect(error?.description.contains("u:p") == false)
  }

  @Test(
    "addresses that name no object",
    arguments: ["s3://", "s3://bucket", "s3://bucket/", "s3:///key", "s3://b@d/k"])
  func addresses(uri: String) {
    #expect(throws: StorageError.self) { try S3Address(uri) }
  }

  @Test("credentials are asked for over plain http only here")
  func containers() {
    #expect(CredentialChain.mayAsk("http://127.0.0.1:80/x"))
    #expect(CredentialChain.mayAsk("http://169.254.170.23/v1"))
    #expect(CredentialChain.mayAsk("http://[fd00:ec2::23]/v1"))
    #expect(CredentialChain.mayAsk("https://example.com/x"))
    #expect(!CredentialChain.mayAsk("http://example.com/x"))
    #expect(!CredentialChain.mayAsk("http://127.0.0.1.evil.example/x"))
    #expect(!CredentialChain.mayAsk("http://127.0.0.1@evil.example/x"))
  }
}

@Suite("what is shown and read of answers")
struct AnswerTests {
  @Test("no name, password or query is shown")
  func secrets() {
    #expect(
      RemoteStores.label(of: "https://me:p@ss@host:1/a/b.ipynb?X-Amz-Signature=s#f")
        == "https://host:1/a/b.ipynb")
    #expect(RemoteStores.label(of: "a/b?c@d") == "a/b?c@d")
    #expect(RemoteStores.label(of: "s3://b/k?x") == "s3://b/k?x")
  }

  @Test(
    "schemes",
    arguments: [("S3://b/k", "s3"), ("a/b", nil), ("://x", nil), ("a b://c", nil), ("gs+x://", "gs+x")])
  func schemes(text: String, scheme: String?) {
    #expect(RemoteStores.scheme(of: text) == scheme)
  }

  @Test("an error of S3 is one line with a remedy")
  func errors() throws {
    let xml =
      "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>a &lt;b&gt; &amp;amp;\nc</Message></Error>"
    let response = HTTPResponse(
      status: 404, head: "HTTP/1.1 404 Not Found\r\nX-A: b\r\n", body: Array(xml.utf8))
    #expect(response.headers == ["x-a": "b"])
    let error = S3Error(response).storageError("cannot read", try S3Address("s3://bucket/key"))
    #expect(error.kind == .missing)
    #expect(
      error.description
        == "cannot read s3://bucket/key: NoSuchBucket: a <b> &amp; c; check the name of the bucket, and the endpoint"
    )
  }

  @Test("dates of HTTP")
  func dates() {
    #expect(S3Client.seconds(httpDate: "Wed, 21 Oct 2015 07:28:00 GMT") == 1_445_412_480)
    #expect(S3Client.seconds(httpDate: "yesterday") == nil)
  }

  @Test("a write whose answer was lost is known as ours, a stranger's is not overwritten")
  func unsettled() throws {
    let writes = UnsettledWrites()
    var stored: (bytes: [UInt8], tag: String) = ([0], "0")
    func put(_ bytes: [UInt8], answers: Bool) -> (WritePrecondition) throws -> String {
      { condition in
        guard condition == .matches(stored.tag) else { throw StorageError(.conflict, "other") }
        stored = (bytes, "\(Int(stored.tag).map { $0 + 1 } ?? 0)")
        if !answers { throw StorageError(.failed, "no answer") }
        return stored.tag
      }
    }
    #expect(throws: StorageError.self) {
      try writes.write([1], .matches("0"), put: put([1], answers: false), present: { stored })
    }
    #expect(
      try writes.write([2], .matches("0"), put: put([2], answers: true), present: { stored }) == "2")
    stored = ([9], "9")
    #expect(throws: StorageError.self) {
      try writes.write([3], .matches("2"), put: put([3], answers: true), present: { stored })
    }
    #expect(stored.bytes == [9])
  }
}
