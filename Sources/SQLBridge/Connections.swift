import Glibc

/// The databases that this kernel is connected to, by name; one of them is in use.
final class Connections {
  final class Connection {
    let name: String
    let address: Address
    /// Nil after it was lost and could not be made anew.
    fileprivate(set) var driver: (any Driver)?

    init(name: String, address: Address) {
      self.name = name
      self.address = address
    }
  }

  /// The folder with the program for DuckDB.
  private let resources: String
  private(set) var all: [Connection] = []
  private var current: Connection?
  /// Takes a text for a stream of the cell that runs.
  var tell: (_ text: String, _ stream: String) -> Void = { _, _ in }

  init(resources: String) {
    self.resources = resources
  }

  /// The connection in use; before any was named it is a database in memory.
  func inUse() throws(SQLFailure) -> Connection {
    if let current { return current }
    return try use(address: "sqlite::memory:", name: nil).connection
  }

  var currentName: String? { current?.name }

  /// The driver of a connection, made anew when its connection was lost.
  func driver(of connection: Connection) throws(SQLFailure) -> any Driver {
    if let driver = connection.driver, !driver.isBroken { return driver }
    connection.driver?.close()
    connection.driver = nil
    let driver = try open(connection.address)
    connection.driver = driver
    tell(
      "[the connection \(connection.name) was lost and is open again; its settings, temporary tables and open "
        + "transaction are gone]\n", "stderr")
    return driver
  }

  /// The driver in use if it is there at once: a question of the front end waits for no server.
  func driverAtHand() throws(SQLFailure) -> any Driver {
    let connection = try inUse()
    guard let driver = connection.driver, !driver.isBroken else {
      throw SQLFailure("the connection \(connection.name) is lost", name: "ConnectionError")
    }
    return driver
  }

  /// Uses the connection that a marker asks for; opens it if it is not open.
  /// - Returns: whether it was opened now.
  func use(_ marker: Marker) throws(SQLFailure) -> (connection: Connection, isNew: Bool) {
    if let address = marker.address { return try use(address: address, name: marker.name) }
    guard let name = marker.name else { return (try inUse(), false) }
    let found = try named(name)
    current = found
    return (found, false)
  }

  private func use(
    address text: String, name: String?
  ) throws(SQLFailure) -> (connection: Connection, isNew: Bool) {
    let address = try Address(text) { name in getenv(name).map { String(cString: $0) } }
    if let found = all.first(where: { $0.address == address && (name == nil || $0.name == name) }) {
      _ = try driver(of: found)
      current = found
      return (found, false)
    }
    let made = Connection(name: name ?? address.shown, address: address)
    made.driver = try open(address)
    // Only now: one that cannot be opened takes the place of none.
    if let old = all.firstIndex(where: { $0.name == made.name }) {
      all[old].driver?.close()
      all[old] = made
    } else {
      all.append(made)
    }
    current = made
    return (made, true)
  }

  private func open(_ address: Address) throws(SQLFailure) -> any Driver {
    do {
      switch address.place {
      case .sqlite(let path): return try SQLiteDriver(path: path)
      case .postgresql(let uri):
        return try PostgresDriver(uri: uri, shown: address.shown) { [unowned self] in self.tell($0, $1) }
      case .duckdb(let path): return try DuckDBDriver(path: path, resources: resources)
      }
    } catch {
      guard error.name == "ConnectionError" else { throw error }
      throw SQLFailure(address.masked(error.message), name: error.name, details: error.details)
    }
  }

  private func named(_ name: String) throws(SQLFailure) -> Connection {
    if let found = all.first(where: { $0.name == name }) { return found }
    let known = all.isEmpty ? "there are none yet" : "there are: " + all.map(\.name).joined(separator: ", ")
    throw SQLFailure(
      "no connection is called \"\(name)\"; \(known). `#!sql \(name)=URI` makes one", name: "ConnectionError")
  }

  func close(_ name: String) throws(SQLFailure) {
    let found: Connection
    if Address.looksLikeOne(name),
      let address = try? Address(name, variable: { getenv($0).map { String(cString: $0) } }),
      let known = all.first(where: { $0.address == address })
    {
      found = known
    } else {
      found = try named(name)
    }
    found.driver?.close()
    all.removeAll { $0 === found }
    if current === found { current = all.last }
  }

  func closeAll() {
    for connection in all { connection.driver?.close() }
  }
}
