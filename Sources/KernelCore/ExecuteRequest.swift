import JupyterProtocol

/// The content of an `execute_request`, with the specification's defaults for what is missing.
public struct ExecuteRequest: Sendable {
  public var code: String
  public var silent: Bool
  public var storeHistory: Bool
  /// JSON text of an object.
  public var userExpressions: [UInt8]
  public var allowStdin: Bool
  public var stopOnError: Bool
  /// The message's metadata, JSON text of an object.
  public var metadata: [UInt8]

  public init(
    code: String, silent: Bool = false, storeHistory: Bool = true,
    userExpressions: [UInt8] = JSONText.emptyObject, allowStdin: Bool = false, stopOnError: Bool = true,
    metadata: [UInt8] = JSONText.emptyObject
  ) {
    self.code = code
    self.silent = silent
    self.storeHistory = storeHistory && !silent
    self.userExpressions = userExpressions
    self.allowStdin = allowStdin
    self.stopOnError = stopOnError
    self.metadata = metadata
  }

  /// - Throws: ``ErrorContent`` when the content is no object or has no code.
  init(_ message: IncomingMessage) throws(RequestFailure) {
    guard let content = JSONScanner.parse(message.content), content.members != nil else {
      throw RequestFailure(.invalidRequest("execute_request", "the content is not a JSON object"))
    }
    guard let code = content["code"]?.string else {
      throw RequestFailure(.invalidRequest("execute_request", "\"code\" is missing or not a string"))
    }
    let silent = content["silent"]?.bool ?? false
    var expressions = JSONText.emptyObject
    if let value = content["user_expressions"], value.members?.isEmpty == false {
      expressions = value.encoded
    }
    self.init(
      code: code, silent: silent, storeHistory: content["store_history"]?.bool ?? !silent,
      userExpressions: expressions, allowStdin: content["allow_stdin"]?.bool ?? false,
      stopOnError: content["stop_on_error"]?.bool ?? true, metadata: message.metadata)
  }
}

/// A request that is answered with an error reply.
struct RequestFailure: Error {
  let error: ErrorContent

  init(_ error: ErrorContent) {
    self.error = error
  }
}
