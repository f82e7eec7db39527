import Testing

@testable import Notebook

@Suite("outputs of a run")
struct OutputTests {
  /// What a terminal would leave of text.
  private static let folded: [(String, String)] = [
    ("a\rb\n", "b\n"), ("50 %\r100 %\r\n", "100 %\r\n"), ("abc\rX", "X"), ("abc\r", "abc\r"),
    ("ab\u{8}c", "ac"),
    ("é\u{8}e", "e"), ("\u{8}a", "a"), ("line\n\u{8}a", "line\na"), ("x\r\ry", "y"),
    ("one\ntwo\rthree\nfour", "one\nthree\nfour"),
  ]

  @Test("text is folded, wherever messages are cut", arguments: folded)
  func folding(text: String, expected: String) {
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      var stream = StreamText()
      stream.append(bytes[..<cut])
      stream.append(bytes[cut...])
      #expect(String(decoding: stream.bytes, as: UTF8.self) == expected, "cut at \(cut)")
    }
  }

  private func record(_ recorder: inout OutputRecorder, _ type: String, _ content: String, of cell: Int)
    -> OutputRecorder.Effect
  {
    recorder.record(type, content: Array(content.utf8), of: cell, request: "r\(cell)")
  }

  private static let noLimit = OutputLimit(bytes: .max)

  @Test("an update reaches every cell that shows the display")
  func updates() {
    var recorder = OutputRecorder()
    let display = #"{"data":{"text/plain":"1"},"metadata":{},"transient":{"display_id":"d"}}"#
    let update = #"{"data":{"text/plain":"2"},"metadata":{"m":1},"transient":{"display_id":"d"}}"#
    #expect(record(&recorder, "display_data", display, of: 0) == .changed([0]))
    #expect(record(&recorder, "display_data", display, of: 3) == .changed([0, 3]))
    #expect(record(&recorder, "update_display_data", update, of: 5) == .changed([0, 3]))
    let expected: NotebookValue = [
      "output_type": "display_data", "data": ["text/plain": "2"], "metadata": ["m": 1],
    ]
    #expect(recorder.outputs(of: 0, Self.noLimit) == [expected])
    #expect(recorder.outputs(of: 3, Self.noLimit) == [expected])
    #expect(recorder.outputs(of: 5, Self.noLimit) == [])
  }

  @Test("clearing later waits for the next output")
  func clearing() {
    var recorder = OutputRecorder()
    _ = record(&recorder, "stream", #"{"name":"stdout","text":"old"}"#, of: 0)
    #expect(record(&recorder, "clear_output", #"{"wait":true}"#, of: 0) == .nothing)
    #expect(recorder.outputs(of: 0, Self.noLimit).count == 1)
    _ = record(&recorder, "stream", #"{"name":"stdout","text":"new"}"#, of: 0)
    #expect(recorder.outputs(of: 0, Self.noLimit).map { $0["text"] } == ["new"])
  }

  @Test("what is too much is left out, with a marker")
  func limit() {
    var recorder = OutputRecorder()
    recorder.limit = 4
    #expect(record(&recorder, "stream", #"{"name":"stdout","text":"12345"}"#, of: 0) == .changed([0]))
    #expect(record(&recorder, "stream", #"{"name":"stdout","text":"678"}"#, of: 0) == .leftOut(isFirst: true))
    #expect(record(&recorder, "stream", #"{"name":"stdout","text":"9"}"#, of: 0) == .leftOut(isFirst: false))
    let outputs = recorder.outputs(of: 0, OutputLimit(bytes: 4, place: "there"))
    #expect(outputs.map { $0["name"] } == ["stdout", "stderr"])
    #expect(outputs.last?["text"]?.string?.contains("4 more bytes") == true)
    #expect(recorder.kept(of: 0).count == 1)
  }

  @Test("an output widget takes the outputs of its request, and the language is told")
  func widget() {
    var recorder = OutputRecorder()
    _ = record(
      &recorder, "comm_open",
      #"{"comm_id":"w","target_name":"jupyter.widget","data":{"state":{"_model_name":"OutputModel","msg_id":"r1"}}}"#,
      of: 0)
    _ = record(&recorder, "stream", #"{"name":"stdout","text":"a"}"#, of: 1)
    _ = record(&recorder, "stream", #"{"name":"stdout","text":"b"}"#, of: 1)
    #expect(recorder.outputs(of: 1, Self.noLimit) == [])
    let messages = recorder.widgets.takeMessages()
    #expect(messages.last?["data"]?["state"]?["outputs"]?.array?.first?["text"] == "ab")
    _ = record(
      &recorder, "comm_msg", #"{"comm_id":"w","data":{"method":"update","state":{"msg_id":""}}}"#, of: 1)
    _ = record(&recorder, "stream", #"{"name":"stdout","text":"c"}"#, of: 1)
    #expect(recorder.outputs(of: 1, Self.noLimit).count == 1)
  }
}
