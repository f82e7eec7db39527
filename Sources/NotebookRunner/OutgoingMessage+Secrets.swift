import JupyterProtocol
import Notebook

/// Messages with other contents.
extension OutgoingMessage {
  func filtered(by secrets: SecretFilter) -> OutgoingMessage {
    guard let content = NotebookValue(json: content) else { return self }
    return OutgoingMessage(
      messageType, parent: parent, content: secrets.filter(content).line, metadata: metadata,
      buffers: buffers.map(secrets.filter))
  }

  /// A stream message of the same stream with that text.
  func stream(_ text: String) -> OutgoingMessage {
    let name = NotebookValue(json: content)?["name"] ?? "stdout"
    let content: NotebookValue = ["name": name, "text": .string(text)]
    return OutgoingMessage(messageType, parent: parent, content: content.line, metadata: metadata)
  }

  func isSameStream(as other: OutgoingMessage) -> Bool {
    parent.messageID == other.parent.messageID
      && NotebookValue(json: content)?["name"] == NotebookValue(json: other.content)?["name"]
  }
}
