import KernelSpecs

/// What `parley doctor` says of the kernels that Jupyter sees.
struct KernelSpecCheckup {
  let environment: SpecEnvironment

  func findings() -> [Finding] {
    let kernels = RegisteredKernel.all(environment: environment)
    guard !kernels.isEmpty else {
      return [.warn("kernels", "Parley is not registered with Jupyter", do: "parley install")]
    }
    return kernels.map(finding(of:))
  }

  private func finding(of kernel: RegisteredKernel) -> Finding {
    let subject = "kernel \(kernel.name)"
    guard let program = kernel.program(environment: environment) else {
      return .fail(
        subject, "\(kernel.directory)/kernel.json starts \(kernel.spec.argv[0]), which is no program",
        do: "run `parley install` again for that place")
    }
    guard kernel.spec.argv.contains(where: { $0.contains("{connection_file}") }) else {
      return .fail(
        subject, "\(kernel.directory)/kernel.json passes no {connection_file}",
        do: "run `parley install` again for that place")
    }
    return .ok(subject, "\(kernel.spec.displayName) in \(kernel.directory), starts \(program)")
  }
}
