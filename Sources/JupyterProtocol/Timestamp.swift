#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Dates as headers have them: ISO 8601 in UTC, six digits of a second, `Z`.
public enum Timestamp {
  public static func now() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return text(seconds: Int(time.tv_sec), microseconds: time.tv_nsec / 1000)
  }

  /// - Parameter seconds: since 1970, UTC.
  public static func text(seconds: Int, microseconds: Int) -> String {
    let (days, ofDay) = (seconds / 86_400, seconds % 86_400)
    let (year, month, day) = civilDate(daysSince1970: days)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(27)
    func put(_ number: Int, _ digits: Int, _ end: UInt8) {
      var divisor = 1
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
        divisor /= 10
      }
      bytes.append(end)
    }
    put(year, 4, UInt8(ascii: "-"))
    put(month, 2, UInt8(ascii: "-"))
    put(day, 2, UInt8(ascii: "T"))
    put(ofDay / 3600, 2, UInt8(ascii: ":"))
    put(ofDay / 60 % 60, 2, UInt8(ascii: ":"))
    put(ofDay % 60, 2, UInt8(ascii: "."))
    put(microseconds, 6, UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The date of a day number in the Gregorian calendar, for years from 1970 on. Eras of 400 years start on
  /// 1 March, which puts the leap day at the end of a year.
  static func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }
}
