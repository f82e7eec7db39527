import ArgumentParser
import JupyterProtocol
import KernelSpecs

/// The exit codes of every `parley` command, those of sysexits(3) where one fits.
///
/// | code | meaning | examples |
/// |---|---|---|
/// | 0 | done | |
/// | 1 | a check failed | `parley doctor`, `parley check-bridge` |
/// | 64 | wrong usage | an unknown option or language |
/// | 66 | an input is missing | no connection file, no folder to install into |
/// | 69 | something is unavailable | no interpreter, no library |
/// | 70 | a fault of parley itself | |
/// | 71 | the operating system refuses | no processes, no threads |
/// | 73 | cannot create | a file or folder that cannot be written |
/// | 75 | try again | a port or an ipc path is taken |
/// | 77 | permission denied | |
/// | 78 | wrong configuration | a manifest, a kernelspec, a connection file |
///
/// docs/reference.md says the same to users.
enum ExitCodes {
  static let checkFailed: Int32 = 1
  static let usage: Int32 = 64
  static let inputMissing: Int32 = 66
  static let unavailable: Int32 = 69
  static let software: Int32 = 70
  static let system: Int32 = 71
  static let cannotCreate: Int32 = 73
  static let tryAgain: Int32 = 75
  static let permission: Int32 = 77
  static let configuration: Int32 = 78

  static func code(of kind: SpecError.Kind) -> Int32 {
    switch kind {
    case .usage: usage
    case .inputMissing: inputMissing
    case .missing: unavailable
    case .cannotCreate: cannotCreate
    case .permission: permission
    case .configuration: configuration
    }
  }

  static func code(of kind: ConfigurationError.Kind) -> Int32 {
    switch kind {
    case .configuration: configuration
    case .inputMissing: inputMissing
    case .portTaken: tryAgain
    case .unavailable: unavailable
    case .cannotCreate: cannotCreate
    }
  }
}
