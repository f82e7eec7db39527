import Glibc
import NotebookRunner

/// Where S3 is and how it is spoken to: the environment first, then the profile, as the AWS tools have it.
struct S3Settings: Sendable {
  struct Endpoint: Sendable, Equatable {
    let scheme: String
    /// Host, and port unless it is the scheme's own: what the header `Host` says.
    let authority: String
    /// What stands before the bucket: empty, or a path without a slash at its end.
    let path: String
  }

  /// Where one object is.
  struct Location: Equatable {
    let scheme: String
    let host: String
    /// Percent-encoded.
    let path: String
  }

  let profile: AWSProfile
  let profileName: String
  var region: String
  /// nil for Amazon's own.
  let endpoint: Endpoint?
  /// nil when nobody has said so.
  let usesPaths: Bool?

  init(environment: [String: String]) throws(StorageError) {
    let set = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let home = environment["HOME"] ?? ""
    let name = set("AWS_PROFILE") ?? set("AWS_DEFAULT_PROFILE")
    let credentials = set("AWS_SHARED_CREDENTIALS_FILE") ?? "~/.aws/credentials"
    let config = set("AWS_CONFIG_FILE") ?? "~/.aws/config"
    profileName = name ?? "default"
    profile = AWSProfile(
      name: profileName, credentials: try SettingsFile.read(credentials, home: home),
      config: try SettingsFile.read(config, home: home))
    if let name, !profile.isThere {
      throw StorageError(
        .failed, "the AWS profile \(name) is neither in \(config) nor in \(credentials)",
        remedy: "set AWS_PROFILE to one that is there")
    }
    region = set("AWS_REGION") ?? set("AWS_DEFAULT_REGION") ?? profile["region"] ?? "us-east-1"
    let address =
      set("AWS_ENDPOINT_URL_S3") ?? set("AWS_ENDPOINT_URL") ?? set("BOTO3_ENDPOINT_URL")
      ?? profile["services.s3.endpoint_url"] ?? profile["s3.endpoint_url"] ?? profile["endpoint_url"]
    let isIgnored = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
    endpoint = try isIgnored ? nil : address.map(Self.parse)
    let style = set("PARLEY_S3_ADDRESSING") ?? profile["s3.addressing_style"] ?? "auto"
    switch style.lowercased() {
    case "path": usesPaths = true
    case "virtual": usesPaths = false
    case "auto": usesPaths = nil
    default:
      throw StorageError(
        .failed, "\(style) is no way to address buckets",
        remedy: "set PARLEY_S3_ADDRESSING to path, virtual or auto")
    }
  }

  func location(of address: S3Address) -> Location {
    let endpoint = endpoint ?? amazon
    let key = PercentEncoding.encode(address.key, keepingSlashes: true)
    if usesPaths ?? (self.endpoint != nil || !address.isHostName) {
      let path = "\(endpoint.path)/\(PercentEncoding.encode(address.bucket))/\(key)"
      return Location(scheme: endpoint.scheme, host: endpoint.authority, path: path)
    }
    return Location(
      scheme: endpoint.scheme, host: "\(address.bucket).\(endpoint.authority)",
      path: "\(endpoint.path)/\(key)")
  }

  private var amazon: Endpoint {
    let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    return Endpoint(scheme: "https", authority: "s3.\(region).\(domain)", path: "")
  }

  private static func parse(_ text: String) throws(StorageError) -> Endpoint {
    let scheme = RemoteStores.scheme(of: text)
    guard let scheme, ["http", "https"].contains(scheme) else {
      throw StorageError(
        .failed, "the S3 endpoint \(HTTPRequest.withoutSecrets(text)) is no http or https address",
        remedy: "write it as https://host:port")
    }
    let rest = text.dropFirst(scheme.count + 3).prefix { !"?#".contains($0) }
    var authority = String(rest.prefix { $0 != "/" })
    var path = rest.dropFirst(authority.count)
    while path.hasSuffix("/") { path.removeLast() }
    let port = scheme == "https" ? ":443" : ":80"
    if authority.hasSuffix(port) { authority.removeLast(port.count) }
    guard !authority.isEmpty, !authority.contains("@") else {
      throw StorageError(
        .failed, "the S3 endpoint \(HTTPRequest.withoutSecrets(text)) is no plain host",
        remedy: "write it as https://host:port; keys have variables of their own")
    }
    return Endpoint(scheme: scheme, authority: authority, path: String(path))
  }
}

/// Small files of settings.
enum SettingsFile {
  /// - Returns: nil when there is none.
  static func read(_ path: String, home: String) throws(StorageError) -> String? {
    let place = path.hasPrefix("~/") ? home + path.dropFirst(1) : path
    guard let file = fopen(place, "re") else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw StorageError(
        .permission, "cannot read \(place): \(strerror(errno).map { String(cString: $0).lowercased() } ?? "")"
      )
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
