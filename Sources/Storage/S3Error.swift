import NotebookRunner

/// What S3 says when it refuses: XML with a code and a message, or a status alone.
struct S3Error {
  let status: Int
  let code: String
  let message: String

  init(_ response: HTTPResponse) {
    status = response.status
    let text = String(decoding: response.body.prefix(64 << 10), as: UTF8.self)
    code = S3XML.text(of: "Code", in: text) ?? ""
    message = S3XML.text(of: "Message", in: text) ?? ""
  }

  func storageError(_ attempt: String, _ address: S3Address) -> StorageError {
    let (kind, remedy) = judgement(address)
    return StorageError(kind, "\(attempt) \(address.text): \(said)", remedy: remedy)
  }

  /// In one line.
  var said: String {
    let text = code.isEmpty ? "the server says \(status)" : message.isEmpty ? code : "\(code): \(message)"
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private func judgement(_ address: S3Address) -> (StorageError.Kind, String) {
    switch (code, status) {
    case ("NoSuchBucket", _): (.missing, "check the name of the bucket, and the endpoint")
    case ("NoSuchKey", _), ("", 404): (.missing, "check the key")
    case ("InvalidAccessKeyId", _), ("SignatureDoesNotMatch", _):
      (
        .permission,
        "check the access key and its secret: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE"
      )
    case ("ExpiredToken", _), ("InvalidToken", _), ("TokenRefreshRequired", _):
      (.permission, "get new credentials; AWS_SESSION_TOKEN must belong to the key")
    case ("RequestTimeTooSkewed", _): (.failed, "set this machine's clock")
    case ("PreconditionFailed", _), (_, 412), ("ConditionalRequestConflict", _):
      (.conflict, "somebody else has written it meanwhile: look at it, or name another output")
    case ("PermanentRedirect", _), ("AuthorizationHeaderMalformed", _), ("TemporaryRedirect", _), (_, 301):
      (.failed, "set AWS_REGION to the region of \(address.bucket)")
    case (_, 401), (_, 403): (.permission, "ask for the right to do so with this key")
    case ("SlowDown", _), (_, 500...): (.failed, "try again later")
    default: (.failed, "check bucket, key and endpoint")
    }
  }
}

/// The little XML that is read: the text of an element without attributes.
enum S3XML {
  static func text(of element: String, in text: String) -> String? {
    guard let start = text.firstRange(of: "<\(element)>") else { return nil }
    let rest = text[start.upperBound...]
    guard let end = rest.firstRange(of: "</\(element)>") else { return nil }
    var value = String(rest[..<end.lowerBound])
    for (entity, character) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&#39;", "'"),
      ("&amp;", "&"),
    ] { value.replace(entity, with: character) }
    return value
  }

  static func escape(_ text: String) -> String {
    var value = text
    for (character, entity) in [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")] {
      value.replace(character, with: entity)
    }
    return value
  }
}
