/// Why a received message was dropped. It is counted and logged; it never ends anything.
///
/// Texts name the part and its length, never the bytes: those may hold code or secrets.
enum WireError: Error, CustomStringConvertible {
  case noDelimiter(frames: Int)
  case tooFewFrames(Int)
  case badSignature(length: Int)
  case replayed
  case malformed(part: String, length: Int)

  var description: String {
    switch self {
    case .noDelimiter(let frames): "none of its \(frames) frames is the delimiter"
    case .tooFewFrames(let count): "only \(count) of 5 frames follow the delimiter"
    case .badSignature(let length): "the signature (\(length) bytes) does not fit"
    case .replayed: "its signature was seen before"
    case .malformed(let part, let length): "the \(part) (\(length) bytes) is no JSON object"
    }
  }
}
