import JupyterProtocol
import NotebookRunner

/// Finds who signs: the environment, a role by a token, the profile's files, the container's endpoint, the machine's.
struct CredentialChain {
  let environment: [String: String]
  let settings: S3Settings
  let client: HTTPClient

  private static let remedy =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; other ways to log in: "
    + "eval \"$(aws configure export-credentials --format env)\""

  func find() throws -> AWSCredentials {
    let found = try fromEnvironment() ?? fromRole() ?? fromProfile() ?? fromContainer() ?? fromMachine()
    if let found { return found }
    throw StorageError(.permission, "there are no AWS credentials for s3:// addresses", remedy: Self.remedy)
  }

  private func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

  private func fromEnvironment() throws -> AWSCredentials? {
    guard let key = set("AWS_ACCESS_KEY_ID") else { return nil }
    guard let secret = set("AWS_SECRET_ACCESS_KEY") else {
      throw StorageError(
        .permission, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not", remedy: "set both or none")
    }
    return AWSCredentials(accessKey: key, secretKey: secret, sessionToken: set("AWS_SESSION_TOKEN"))
  }

  /// The role of a pod in Kubernetes, by the token in its file: AssumeRoleWithWebIdentity.
  private func fromRole() throws -> AWSCredentials? {
    guard let file = set("AWS_WEB_IDENTITY_TOKEN_FILE"), let role = set("AWS_ROLE_ARN") else { return nil }
    guard let token = try SettingsFile.read(file, home: "") else {
      throw StorageError(
        .permission, "there is no token in \(file)",
        remedy: "set AWS_WEB_IDENTITY_TOKEN_FILE to the one of the pod")
    }
    let domain = settings.region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    let endpoint =
      set("AWS_ENDPOINT_URL_STS") ?? set("AWS_ENDPOINT_URL") ?? "https://sts.\(settings.region).\(domain)"
    let form = SigV4.canonicalQuery([
      ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
      ("RoleSessionName", set("AWS_ROLE_SESSION_NAME") ?? "parley"),
      ("WebIdentityToken", token.split(whereSeparator: \.isWhitespace).joined()),
    ])
    let answer = try client.send {
      var request = HTTPRequest("POST", endpoint.hasSuffix("/") ? endpoint : endpoint + "/")
      request.headers = [("Content-Type", "application/x-www-form-urlencoded")]
      request.body = Array(form.utf8)
      request.limit = 1 << 20
      return request
    }
    let text = String(decoding: answer.body, as: UTF8.self)
    guard answer.isSuccess, let key = S3XML.text(of: "AccessKeyId", in: text),
      let secret = S3XML.text(of: "SecretAccessKey", in: text)
    else {
      let said = S3Error(answer).said
      throw StorageError(
        .permission, "the role \(role) is not given: \(said)",
        remedy: "check the role's trust in the pod's account")
    }
    return AWSCredentials(
      accessKey: key, secretKey: secret, sessionToken: S3XML.text(of: "SessionToken", in: text),
      expiration: S3XML.text(of: "Expiration", in: text))
  }

  private func fromProfile() throws -> AWSCredentials? {
    let profile = settings.profile
    if let key = profile["aws_access_key_id"], let secret = profile["aws_secret_access_key"] {
      return AWSCredentials(accessKey: key, secretKey: secret, sessionToken: profile["aws_session_token"])
    }
    let others = [
      "role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file",
    ]
    if let other = others.first(where: { profile[$0] != nil }) {
      throw StorageError(
        .permission, "the AWS profile \(settings.profileName) uses \(other), which parley does not do",
        remedy: Self.remedy)
    }
    return nil
  }

  // MARK: - Endpoints

  private func fromContainer() throws -> AWSCredentials? {
    let url: String
    if let path = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      url = "http://169.254.170.2\(path)"
    } else if let full = set("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      guard Self.mayAsk(full) else {
        throw StorageError(
          .permission, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine",
          remedy: "credentials are not asked for over the open network")
      }
      url = full
    } else {
      return nil
    }
    var token = set("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if let file = set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      token = try SettingsFile.read(file, home: "").map { $0.split(whereSeparator: \.isNewline).joined() }
    }
    let headers = token.map { [("Authorization", $0)] } ?? []
    guard let answer = ask("GET", url, headers), let found = Self.credentials(in: answer) else {
      throw StorageError(
        .permission, "the container's endpoint of credentials does not answer with any", remedy: Self.remedy)
    }
    return found
  }

  /// Plain http only to the machine itself and to the addresses of containers' agents.
  static func mayAsk(_ url: String) -> Bool {
    if url.hasPrefix("https://") { return true }
    guard url.hasPrefix("http://") else { return false }
    let authority = url.dropFirst(7).prefix { !"/?#".contains($0) }
    let host =
      authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    let hosts = ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
    let isLoopback = host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == 0x2E || $0 >= 0x30 && $0 <= 0x39 }
    return !authority.contains("@") && (isLoopback || hosts.contains(String(host)))
  }

  /// The instance's own role, by IMDSv2.
  private func fromMachine() -> AWSCredentials? {
    guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
    let base = set("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254"
    let root = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/latest"
    guard let token = ask("PUT", "\(root)/api/token", [("X-aws-ec2-metadata-token-ttl-seconds", "21600")])
    else { return nil }
    let headers = [("X-aws-ec2-metadata-token", String(decoding: token, as: UTF8.self))]
    let list = "\(root)/meta-data/iam/security-credentials/"
    guard let roles = ask("GET", list, headers),
      let role = String(decoding: roles, as: UTF8.self).split(whereSeparator: \.isNewline).first,
      let answer = ask("GET", list + role, headers)
    else { return nil }
    return Self.credentials(in: answer)
  }

  /// nil when there is no such endpoint here; it is near, or it is not there.
  private func ask(_ method: String, _ url: String, _ headers: [(String, String)]) -> [UInt8]? {
    var request = HTTPRequest(method, url)
    request.headers = headers
    request.body = method == "PUT" ? [] : nil
    request.connectSeconds = 1
    request.totalSeconds = 2
    request.limit = 1 << 20
    request.ignoresProxies = true
    let response = try? client.perform(request)
    return response?.status == 200 ? response?.body : nil
  }

  private static func credentials(in bytes: [UInt8]) -> AWSCredentials? {
    guard let answer = JSONScanner.parse(bytes), let key = answer["AccessKeyId"]?.string,
      let secret = answer["SecretAccessKey"]?.string
    else { return nil }
    return AWSCredentials(
      accessKey: key, secretKey: secret, sessionToken: answer["Token"]?.string,
      expiration: answer["Expiration"]?.string)
  }
}
