/// How much of one cell's output a notebook takes; what is more goes elsewhere and leaves a marker.
public struct OutputLimit: Sendable {
  public var bytes: Int
  /// Where the rest is, as the marker names it; nil when nobody keeps it.
  public var place: String?

  public init(bytes: Int = 16 << 20, place: String? = nil) {
    self.bytes = bytes
    self.place = place
  }

  func marker(_ elided: Int) -> String {
    let rest = place.map { "the whole of it is in \($0)" } ?? "they were not kept"
    return "\n[parley: \(elided) more bytes of output are not shown here; \(rest)]\n"
  }
}
