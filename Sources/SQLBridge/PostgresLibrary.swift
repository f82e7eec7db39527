import CSQLBridge

/// libpq, loaded when it is first needed.
enum PostgresLibrary {
  static func load() throws(SQLFailure) -> sqlbridge_libpq {
    var problem: UnsafePointer<CChar>?
    guard let library = sqlbridge_load_libpq(&problem) else {
      let text = problem.map { String(cString: $0) } ?? "unknown"
      throw SQLFailure(
        "PostgreSQL needs libpq, which cannot be loaded (\(text)); install it, for example: apt install libpq5",
        name: "ConnectionError")
    }
    return library.pointee
  }
}

/// The numbers of libpq-fe.h and postgres_ext.h that are used.
enum PG {
  enum Poll {
    static let failed: Int32 = 0
    static let reading: Int32 = 1
    static let ok: Int32 = 3
  }

  enum Result {
    static let emptyQuery: Int32 = 0
    static let commandOK: Int32 = 1
    static let tuplesOK: Int32 = 2
    static let copyOut: Int32 = 3
    static let copyIn: Int32 = 4
    static let singleTuple: Int32 = 9
  }

  enum Field {
    static let severity = Int32(UInt8(ascii: "S"))
    static let state = Int32(UInt8(ascii: "C"))
    static let message = Int32(UInt8(ascii: "M"))
    static let detail = Int32(UInt8(ascii: "D"))
    static let hint = Int32(UInt8(ascii: "H"))
    static let position = Int32(UInt8(ascii: "P"))
    static let context = Int32(UInt8(ascii: "W"))
  }

  enum Transaction {
    static let active: Int32 = 1
    static let open: Int32 = 2
    static let failed: Int32 = 3
  }

  /// The kind of a built-in type, by its object id; all others travel as text.
  static func kind(of type: UInt32) -> ColumnKind {
    switch type {
    case 16: .boolean
    case 20, 21, 23, 26: .integer
    case 700, 701: .number
    case 1700: .decimal
    case 17: .binary
    case 1082: .date
    case 1083, 1266: .time
    case 1114, 1184: .datetime
    default: .string
    }
  }
}
