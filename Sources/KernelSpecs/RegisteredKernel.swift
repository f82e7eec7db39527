/// A kernelspec of Parley that Jupyter can see.
public struct RegisteredKernel: Equatable, Sendable {
  /// The folder's name, which front ends call the kernel.
  public let name: String
  public let directory: String
  public let spec: KernelSpecFile

  /// Every kernelspec of Parley on the data path, in the order Jupyter searches it; one that an
  /// earlier folder hides is left out.
  public static func all(environment: SpecEnvironment = .current()) -> [RegisteredKernel] {
    var seen: Set<String> = []
    return JupyterPaths(environment: environment).dataPath.flatMap(all(in:))
      .filter { seen.insert($0.name).inserted }
  }

  /// The kernelspecs of Parley in one Jupyter data folder, by name.
  public static func all(in dataDirectory: String) -> [RegisteredKernel] {
    let kernels = PathText.join(dataDirectory, "kernels")
    return Files.names(in: kernels).compactMap { name in
      guard !name.hasPrefix(".") else { return nil }
      let folder = PathText.join(kernels, name)
      guard let spec = try? KernelSpecFile.load(directory: folder), spec.isParley else { return nil }
      return RegisteredKernel(name: name.lowercased(), directory: folder, spec: spec)
    }
  }

  /// The program `argv[0]` leads to, `{prefix}` being the one the kernelspec is in; nil when there is
  /// no executable file.
  public func program(environment: SpecEnvironment = .current()) -> String? {
    var name = spec.argv[0]
    if name.hasPrefix("{prefix}/") {
      // kernels/NAME in PREFIX/share/jupyter
      let prefix = (0..<4).reduce(directory) { path, _ in PathText.parent(path) }
      name = prefix + name.dropFirst("{prefix}".count)
    } else if name.hasPrefix("{resource_dir}/") {
      name = directory + name.dropFirst("{resource_dir}".count)
    }
    return environment.findProgram(name)
  }
}
