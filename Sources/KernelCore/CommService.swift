import JupyterProtocol
import KernelExecutor

/// Takes comm messages from front ends to the language that owns the comm or its target.
@KernelActor
final class CommService {
  private let languages: LanguageTable
  private let comms: CommTable
  private let publisher: Publisher

  init(languages: LanguageTable, comms: CommTable, publisher: Publisher) {
    self.languages = languages
    self.comms = comms
    self.publisher = publisher
  }

  func handle(_ message: IncomingMessage, parent: Parent) async {
    guard let content = JSONScanner.parse(message.content), let id = content["comm_id"]?.string else {
      return
    }
    switch message.header.messageType {
    case "comm_open":
      await open(id, target: content["target_name"]?.string ?? "", message, parent: parent)
    case "comm_close":
      guard let owner = comms.owner(ofComm: id) else { return }
      comms.close(id)
      await owner.comm(message)
    default:
      // A message for a comm that nobody has is ignored, as the specification says.
      await comms.owner(ofComm: id)?.comm(message)
    }
  }

  private func open(
    _ id: String, target: String, _ message: IncomingMessage, parent: Parent
  ) async {
    // A target that no language has registered may still be one that the default language makes on demand.
    let running = languages.existing(languages.defaultName)
    let isWilling = running.map { $0.isRunning && $0.description.capabilities.contains("comm") } ?? false
    guard let owner = comms.owner(ofTarget: target) ?? (isWilling ? running : nil) else {
      refuse(id, parent: parent)
      return
    }
    comms.open(id, target: target, owner: owner)
    let isTaken = await owner.comm(message)
    // What has ended meanwhile has closed its comms itself.
    guard !isTaken, comms.owner(ofComm: id) === owner else { return }
    comms.close(id)
    refuse(id, parent: parent)
  }

  private func refuse(_ id: String, parent: Parent) {
    var answer = JSONWriter()
    answer.object { writer in
      writer.member("comm_id", id)
      writer.member("data", raw: JSONText.emptyObject)
    }
    publisher.publish(OutgoingMessage("comm_close", parent: parent, content: answer.bytes))
  }
}
