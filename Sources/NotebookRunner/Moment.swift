import Glibc
import JupyterProtocol
import Notebook

/// A point in time in microseconds, in the forms that the two conventions of metadata want.
public struct Moment: Sendable, Equatable {
  let microseconds: Int

  public static func now() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Moment(microseconds: Int(time.tv_sec) * 1_000_000 + time.tv_nsec / 1000)
  }

  /// As nbclient writes times: `2026-11-23T03:18:05.000123Z`.
  public var utc: String {
    Timestamp.text(seconds: microseconds / 1_000_000, microseconds: microseconds % 1_000_000)
  }

  /// As papermill does, by Python's `isoformat`, which leaves out a fraction of zero.
  var iso: String {
    let text = utc.dropLast()
    return (microseconds % 1_000_000 == 0 ? text.dropLast(7) : text) + "+00:00"
  }

  /// Seconds since an earlier moment.
  func since(_ start: Moment) -> Double { Double(microseconds - start.microseconds) / 1_000_000 }
}
