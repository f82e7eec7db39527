import NotebookRunner

/// `s3://bucket/key`. The key is taken as it stands: nothing in it is decoded or normalised.
struct S3Address: Sendable {
  let bucket: String
  let key: String

  init(_ uri: String) throws(StorageError) {
    let rest = uri.dropFirst("s3://".count)
    let bucket = rest.prefix { $0 != "/" }
    let key = rest.dropFirst(bucket.count + 1)
    guard !bucket.isEmpty, !key.isEmpty else {
      throw StorageError(.failed, "\(uri) names no object", remedy: "write s3://BUCKET/KEY")
    }
    let allowed = bucket.utf8.allSatisfy { byte in
      byte > 0x2C && byte < 0x7B && !"/;<=>?@[\\]^`".utf8.contains(byte)
    }
    guard allowed else {
      throw StorageError(
        .failed, "\(bucket) is no name of a bucket", remedy: "names have letters, digits, hyphens and dots")
    }
    self.bucket = String(bucket)
    self.key = String(key)
  }

  var text: String { "s3://\(bucket)/\(key)" }

  /// Whether the name can stand before the host: no dots, which certificates would not cover.
  var isHostName: Bool {
    (3...63).contains(bucket.utf8.count) && bucket.first != "-" && bucket.last != "-"
      && bucket.utf8.allSatisfy {
        $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z")
          || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
          || $0 == UInt8(ascii: "-")
      }
  }
}
