import NotebookRunner

/// An upload in parts, for objects that are too large for one request to be a good bet.
///
/// Nothing is visible before the last step, which carries the condition; a failed upload is taken away.
struct S3Multipart {
  static let threshold = 64 << 20
  private static let partSize = 16 << 20
  private static let mostParts = 10_000

  private let client: S3Client
  private let address: S3Address

  init(_ client: S3Client, _ address: S3Address) {
    self.client = client
    self.address = address
  }

  /// - Returns: the answer to the last step, or to the one that failed.
  func upload(_ bytes: [UInt8], headers: [(String, String)], condition: [(String, String)]) throws
    -> HTTPResponse
  {
    let begin = try client.send("POST", address, query: [("uploads", "")], headers: headers, body: [])
    guard begin.isSuccess else { return begin }
    guard let id = S3XML.text(of: "UploadId", in: String(decoding: begin.body, as: UTF8.self)) else {
      throw StorageError(
        .failed, "cannot write \(address.text): S3 begins an upload in parts without a name for it",
        remedy: "check the endpoint")
    }
    var answer: HTTPResponse?
    do {
      answer = try parts(bytes, id, condition)
      if let answer, answer.isSuccess, answer.tag != nil { return answer }
    } catch {
      abort(id)
      throw error
    }
    abort(id)
    return answer ?? begin
  }

  private func parts(_ bytes: [UInt8], _ id: String, _ condition: [(String, String)]) throws -> HTTPResponse {
    let size = max(Self.partSize, (bytes.count + Self.mostParts - 1) / Self.mostParts)
    var list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    for (index, start) in stride(from: 0, to: bytes.count, by: size).enumerated() {
      let part = Array(bytes[start..<min(start + size, bytes.count)])
      let response = try client.send(
        "PUT", address, query: [("partNumber", "\(index + 1)"), ("uploadId", id)], body: part)
      guard response.isSuccess else { return response }
      let tag = response.tag ?? ""
      list += "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(S3XML.escape(tag))</ETag></Part>"
    }
    list += "</CompleteMultipartUpload>"
    var answer = try client.send(
      "POST", address, query: [("uploadId", id)], headers: [("content-type", "application/xml")] + condition,
      body: Array(list.utf8))
    guard answer.isSuccess else { return answer }
    // The version is in the answer's text; an error may be there as well, behind a status that says 200.
    let text = String(decoding: answer.body, as: UTF8.self)
    if let tag = S3XML.text(of: "ETag", in: text) {
      answer.headers["etag"] = tag
    } else {
      answer.status = 500
    }
    return answer
  }

  /// Parts that nobody completes cost money until the bucket's rules take them away.
  private func abort(_ id: String) {
    _ = try? client.send("DELETE", address, query: [("uploadId", id)])
  }
}
