/// What `usage_request` tells of processes and the machine.
public struct ResourceUsage: Sendable {
  public var hostname: String
  public var processID: Int
  /// Percent of one processor, of the whole process tree, since the last question.
  public var kernelCPU: Double
  /// Bytes, proportional set size, of the whole process tree.
  public var kernelMemory: Int
  public var processorCount: Int
  /// Percent of all processors since the last question.
  public var hostCPU: Double?
  /// Bytes.
  public var memoryTotal: Int
  public var memoryAvailable: Int

  public init(
    hostname: String, processID: Int, kernelCPU: Double, kernelMemory: Int, processorCount: Int,
    hostCPU: Double?, memoryTotal: Int, memoryAvailable: Int
  ) {
    self.hostname = hostname
    self.processID = processID
    self.kernelCPU = kernelCPU
    self.kernelMemory = kernelMemory
    self.processorCount = processorCount
    self.hostCPU = hostCPU
    self.memoryTotal = memoryTotal
    self.memoryAvailable = memoryAvailable
  }
}

/// Measures processes; off the event loop.
public protocol SystemInformation: Sendable {
  func usage(ofTree roots: [Int32]) async -> ResourceUsage
}
