// swift-tools-version:6.2
import PackageDescription

// One executable. The table in docs/architecture.md says which target may import which; a test in
// Tests/ArchitectureTests reads the import lines and holds them against it.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny")
]

let package = Package(
  name: "parley",
  products: [
    .executable(name: "parley", targets: ["parley"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // System libraries and C shims.
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .target(name: "CPosix"),
    .target(name: "CCurl"),
    .target(name: "CSQLBridge"),
    // SHA-256 alone is linked, from the archive of libssl-dev; the rest is loaded if it is needed.
    .target(name: "COpenSSL", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
    // The archive and what it stands on, instead of a dozen shared libraries: docs/adr/0007.
    .target(
      name: "CZeroMQ",
      cSettings: [.define("PARLEY_LINKS_LIBZMQ", .when(configuration: .release))],
      linkerSettings: [":libzmq.a", ":libsodium.a", ":libbsd.a", ":libmd.a"].map {
        .linkedLibrary($0, .when(configuration: .release))
      } + [.linkedLibrary("zmq", .when(configuration: .debug))]),
    // Linked whole, since no other program on the way to a kernel's start needs it: libyaml-dev has the archive.
    .target(name: "CYAML", linkerSettings: [.linkedLibrary(":libyaml.a")]),

    // Values, no I/O.
    .target(name: "JupyterProtocol", swiftSettings: strict),
    .target(name: "KernelExecutor", swiftSettings: strict),

    // The machine below.
    .target(name: "PosixSupport", dependencies: ["CPosix", "KernelExecutor"], swiftSettings: strict),
    .target(name: "ZeroMQ", dependencies: ["CZeroMQ"], swiftSettings: strict),

    // The kernel.
    .target(
      name: "BridgeHost",
      dependencies: [
        "JupyterProtocol", "KernelCore", "KernelExecutor", "KernelSpecs", "PosixSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "JupyterTransport",
      dependencies: [
        "COpenSSL", "JupyterProtocol", "KernelExecutor", "PosixSupport", "ZeroMQ",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "KernelCore",
      dependencies: [
        "JupyterProtocol", "KernelExecutor", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "KernelHistory",
      dependencies: ["CSQLite", "KernelCore", "PosixSupport"],
      swiftSettings: strict),
    .target(
      name: "KernelProxy",
      dependencies: [
        "CPosix", "JupyterProtocol", "JupyterTransport", "KernelCore", "KernelExecutor", "KernelSpecs",
        "PosixSupport", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(name: "KernelSpecs", swiftSettings: strict),

    // Notebooks without a front end.
    .target(name: "Notebook", swiftSettings: strict),
    .target(name: "Parameters", dependencies: ["CYAML", "Notebook"], swiftSettings: strict),
    .target(
      name: "NotebookRunner",
      dependencies: [
        "JupyterProtocol", "KernelCore", "KernelExecutor", "Notebook", "PosixSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    .target(
      name: "Storage",
      dependencies: [
        "CCurl", "COpenSSL", "JupyterProtocol", "KernelExecutor", "NotebookRunner", "PosixSupport",
      ],
      swiftSettings: strict),

    // A language that is a command of this program.
    .target(
      name: "SQLBridge", dependencies: ["CSQLBridge", "CSQLite", "JupyterProtocol"], swiftSettings: strict),

    // Where everything meets.
    .executableTarget(
      name: "parley",
      dependencies: [
        "BridgeHost", "JupyterProtocol", "JupyterTransport", "KernelCore", "KernelExecutor",
        "KernelHistory", "KernelProxy", "KernelSpecs", "Notebook", "NotebookRunner", "Parameters",
        "PosixSupport", "SQLBridge", "Storage",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    .target(name: "CTestStart", path: "Tests/Support/CTestStart"),
    .target(
      name: "ParleyTestSupport", dependencies: ["CTestStart", "KernelExecutor", "PosixSupport"],
      path: "Tests/Support/ParleyTestSupport", swiftSettings: strict),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(
      name: "BridgeHostTests",
      dependencies: [
        "BridgeHost", "JupyterProtocol", "KernelCore", "KernelExecutor", "KernelSpecs", "ParleyTestSupport",
        "PosixSupport", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "JupyterProtocolTests", dependencies: ["JupyterProtocol", "ParleyTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "JupyterTransportTests",
      dependencies: [
        "JupyterProtocol", "JupyterTransport", "KernelExecutor", "ParleyTestSupport", "PosixSupport",
        "ZeroMQ",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "KernelCoreTests",
      dependencies: [
        "JupyterProtocol", "KernelCore", "KernelExecutor", "ParleyTestSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(name: "ParametersTests", dependencies: ["Notebook", "Parameters"], swiftSettings: strict),
    .testTarget(name: "KernelHistoryTests", dependencies: ["KernelHistory"]),
    .testTarget(name: "KernelSpecsTests", dependencies: ["KernelSpecs"]),
    .testTarget(name: "NotebookTests", dependencies: ["Notebook"], swiftSettings: strict),
    .testTarget(
      name: "NotebookRunnerTests", dependencies: ["Notebook", "NotebookRunner"], swiftSettings: strict),
    .testTarget(name: "SQLBridgeTests", dependencies: ["JupyterProtocol", "SQLBridge"]),
    .testTarget(
      name: "StorageTests", dependencies: ["NotebookRunner", "Storage"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
