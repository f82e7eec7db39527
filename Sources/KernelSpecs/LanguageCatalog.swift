import Synchronization

/// The languages there are: which folder answers to a name.
///
/// The places are searched in this order, and the first one that answers wins: `PARLEY_LANGUAGES`
/// and the user's configuration, folders with a `bridge.json` on the Jupyter data path, the folders
/// shipped with Parley, then every other installed kernelspec. A place is read when a look-up gets to
/// it and kept from then on; a look-up of the default language touches a handful of files.
///
/// Safe from any thread; reads small files on the calling one.
public final class LanguageCatalog: Sendable {
  private let places: [LanguagePlace]
  private let contents: Mutex<[Int: [LanguageEntry]]>

  public init(environment: SpecEnvironment = .current()) {
    places = LanguagePlace.all(environment: environment)
    contents = Mutex([:])
  }

  /// The entry a name or an alias means; nil when no language answers to it.
  ///
  /// The entry may be unusable (``LanguageEntry/problem``): a broken manifest in the user's
  /// configuration is not passed over for a shipped one, since its author would never know why.
  public func entry(named name: String) -> LanguageEntry? {
    let wanted = name.lowercased()
    return contents.withLock { contents in
      for (index, place) in places.enumerated() {
        if let known = contents[index] {
          if let entry = Self.best(for: wanted, in: known) { return entry }
          continue
        }
        // Most often the folder has the language's name: then the others need not be read.
        if let entry = place.directHit(for: wanted) { return entry }
        let entries = place.entries()
        contents[index] = entries
        if let entry = Self.best(for: wanted, in: entries) { return entry }
      }
      return nil
    }
  }

  /// Every language, in the order of the search. An entry whose name is taken by an earlier one is
  /// left out, and so is an alias that means an earlier entry.
  public func all() -> [LanguageEntry] {
    let everything = contents.withLock { contents in
      places.indices.flatMap { index -> [LanguageEntry] in
        if let known = contents[index] { return known }
        let entries = places[index].entries()
        contents[index] = entries
        return entries
      }
    }
    var taken: Set<String> = []
    var visible: [LanguageEntry] = []
    for entry in everything where !taken.contains(entry.name) {
      visible.append(entry.keepingAliases { !taken.contains($0) })
      taken.insert(entry.name)
      taken.formUnion(entry.aliases)
    }
    return visible
  }

  /// Forgets what was read, so that the next look-up sees new and changed folders.
  public func refresh() {
    contents.withLock { $0.removeAll() }
  }

  /// Within one place a language's own name goes before an alias of its neighbour.
  private static func best(for name: String, in entries: [LanguageEntry]) -> LanguageEntry? {
    entries.first { $0.name == name } ?? entries.first { $0.answers(to: name) }
  }
}
