/// The manifest of a bridge, `bridge.json`: how to start a language and what it can do.
///
/// A plain value that ``load(directory:)`` has checked. Source: docs/bridge-protocol.md, section 9.
public struct BridgeManifest: Equatable, Sendable {
  /// The version of the bridge protocol and of the manifest that this Parley speaks.
  public static let protocolVersion = 1
  /// The file's name in the language's folder.
  public static let fileName = "bridge.json"

  /// How requests are written on descriptor 3.
  public enum RequestFormat: String, Equatable, Sendable {
    /// Two lines of JSON and then buffers.
    case json
    /// Fields ended by NUL, for a language that cannot read JSON.
    case nul
    /// The same, and the length of a long field is told before it, for a language that would look for the NUL byte by
    /// byte.
    case sized = "nul-sized"
  }

  /// Where `{interpreter}` is looked for, in this order.
  public struct Interpreter: Equatable, Sendable {
    /// Variables whose value names the interpreter, a path or a name.
    public var variables: [String]
    /// Variables whose value is a prefix: `value/bin` is searched.
    public var prefixes: [String]
    /// Names of programs, searched in the prefixes and on PATH.
    public var names: [String]

    public init(variables: [String] = [], prefixes: [String] = [], names: [String] = []) {
      self.variables = variables
      self.prefixes = prefixes
      self.names = names
    }
  }

  /// The folder of the manifest, which `{resource_dir}` stands for.
  public var directory: String
  /// The name after `#!`, lower case.
  public var language: String
  /// The name for people.
  public var displayName: String
  /// Other names after `#!`.
  public var aliases: [String]
  /// The command with its placeholders; ``InterpreterResolver`` fills them in.
  public var argv: [String]
  public var interpreter: Interpreter?
  /// Variables to set in the bridge's environment, in the order of the file.
  public var environment: [Variable]
  /// Whether descriptor 5, the second lane, exists.
  public var concurrent: Bool
  public var requests: RequestFormat
  /// What kernel_info answers before the bridge has started: one JSON object on one line, UTF-8.
  public var languageInfo: [UInt8]
  /// `language_info.name`, or the language's name.
  public var languageInfoName: String
  /// `language_info.file_extension` with its dot, or `.txt`.
  public var fileExtension: String
  /// `language_info.mimetype`, or `text/plain`.
  public var mimetype: String
  public var banner: String
  /// The requests the bridge answers, as in the handshake.
  public var capabilities: [String]
  /// Whether `%%name` belongs to the language where it defines it, so that only `#!name` switches.
  public var cellMagics: Bool
  /// Whether text behind the name on the marker line is handed to the bridge.
  public var markerOptions: Bool
  /// Seconds from the start to the handshake.
  public var startTimeout: Double
  /// Seconds from an interrupt to the next rung of the ladder.
  public var interruptGrace: Double
  /// Seconds after which an interrupt is sent once more to a cell that still runs; 0 for never.
  public var interruptRepeat: Double
  /// The command that installs what is missing.
  public var install: String?
  /// A command to put in front of argv, such as `["bwrap", "--ro-bind", "/", "/"]`.
  public var launcher: [String]?
  /// Keys that mean nothing to this version: a misspelling, or a newer manifest.
  public var unknownKeys: [String]

  /// One variable of the environment.
  public struct Variable: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Reads and checks `directory/bridge.json`.
  ///
  /// - Throws: ``SpecError`` whose text names the file, the key and what to do. Reads one small file
  ///   on the calling thread.
  public static func load(directory: String) throws(SpecError) -> BridgeManifest {
    let path = PathText.join(directory, fileName)
    return try BridgeManifestReader(path: path, bytes: Files.read(path)).manifest(in: directory)
  }

  /// Whether a text may be a language's name after `#!`.
  public static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"):
          true
        default: false
        }
      }
  }
}
