import Glibc
import KernelSpecs
import PosixSupport

/// A kernelspec's command with its templates filled in, as a front end would start it.
///
/// Source: jupyter_client, "Kernel specs".
struct KernelCommandLine {
  let program: String
  let arguments: [String]
  /// `NAME=value` texts of the kernelspec.
  let environment: [String]

  /// - Throws: ``SystemError`` when the program is not there.
  static func fill(
    _ spec: KernelSpecFile, connectionFile: String, directory: String
  ) throws(SystemError) -> KernelCommandLine {
    let values = [
      "{connection_file}": connectionFile, "{resource_dir}": directory, "{prefix}": prefix(of: directory),
    ]
    let arguments = spec.argv.map { word in
      values.reduce(word) { text, entry in replacing(entry.key, in: text, with: entry.value) }
    }
    let surroundings = SpecEnvironment.current()
    // A bare "python" means the interpreter of the environment that the kernelspec is installed in.
    let own = arguments[0].hasPrefix("python") ? "\(values["{prefix}"] ?? "")/bin/\(arguments[0])" : ""
    let named = surroundings.expandingTilde(arguments[0])
    guard let program = surroundings.findProgram(own.isEmpty ? named : own) ?? surroundings.findProgram(named)
    else {
      throw SystemError("\(arguments[0]), the program of the kernelspec in \(directory)", code: ENOENT)
    }
    return KernelCommandLine(
      // The full path as the program's own name too: Python finds its environment by it.
      program: program, arguments: [program] + arguments.dropFirst(),
      environment: spec.env.map { "\($0.name)=\(expand($0.value, surroundings))" })
  }

  /// The environment the kernelspec is installed in: what is above `share/jupyter/kernels/NAME`.
  private static func prefix(of directory: String) -> String {
    let parts = directory.split(separator: "/")
    guard parts.suffix(4).dropLast().elementsEqual(["share", "jupyter", "kernels"]) else { return "/usr" }
    return "/" + parts.dropLast(4).joined(separator: "/")
  }

  /// Fills in `${NAME}`; an unset variable is nothing.
  private static func expand(_ text: String, _ surroundings: SpecEnvironment) -> String {
    var expanded = ""
    var rest = text[...]
    while let start = rest.range(of: "${") {
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
      expanded += rest[..<start.lowerBound] + (surroundings[String(rest[start.upperBound..<end])] ?? "")
      rest = rest[rest.index(after: end)...]
    }
    return expanded + rest
  }

  private static func replacing(_ pattern: String, in text: String, with value: String) -> String {
    var result = ""
    var rest = text[...]
    while let found = rest.range(of: pattern) {
      result += rest[..<found.lowerBound] + value
      rest = rest[found.upperBound...]
    }
    return result + rest
  }
}

extension Substring {
  /// Where the text first stands; the standard library has this only together with Foundation or Regex.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) {
        return start..<index(start, offsetBy: text.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
