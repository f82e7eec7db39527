import ArgumentParser
import KernelSpecs

/// `parley doctor`: looks at everything the kernel needs and says what to do about what is missing.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check this machine: libraries, folders, interpreters, registered kernels.",
    discussion:
      "Ends with 1 when a line says FAIL. Starts the Python interpreters it finds, to ask for IPython.")

  func run() throws {
    let environment = SpecEnvironment.current()
    var failures = 0
    func report(_ findings: [Finding]) {
      for finding in findings {
        print(finding.line)
        if finding.grade == .fail { failures += 1 }
      }
    }
    let system = SystemCheckup(environment: environment)
    report(system.program() + system.libraries() + system.folders() + system.tools())
    report(LanguageCheckup(environment: environment).findings())
    report(KernelSpecCheckup(environment: environment).findings())
    report(system.limits())
    if failures > 0 { throw ExitCode(ExitCodes.checkFailed) }
  }
}
