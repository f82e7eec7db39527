# frozen_string_literal: true

module Parley
  # An exception as the user reads it: cells quoted with their lines, nothing of the bridge.
  class Errors
    BRIDGE = File.dirname(__dir__)
    MOST = 24
    RED, BOLD, DIM, PLAIN = %w[31 1 2 0].map { |code| "\e[#{code}m" }

    def initialize(error, sources)
      @error = error
      @sources = sources
    end

    def content
      { ename: name(@error), evalue: value(@error), traceback: chain.flat_map { |error| describe(error) } }
    end

    private

    # The error and its causes, the innermost last.
    def chain
      errors = [@error]
      errors << errors.last.cause while errors.last.cause && !errors.include?(errors.last.cause) && errors.size < 8
      errors
    end

    def name(error) = error.class.name || error.class.inspect

    def value(error)
      case error
      when SystemExit then "exit with status #{error.status}: the cell has ended, Ruby goes on"
      else error.respond_to?(:original_message) ? Frames.utf8(error.original_message.to_s) : message(error)
      end
    rescue StandardError
      message(error)
    end

    def message(error)
      Frames.utf8(error.message.to_s)
    rescue StandardError => e
      "(its message failed: #{e.class})"
    end

    def describe(error)
      lead = error.equal?(@error) ? '' : 'caused by '
      first = error.is_a?(SystemExit) ? value(error) : message(error)
      head, *rest = first.split("\n", -1)
      ["#{lead}#{RED}#{name(error)}#{PLAIN}: #{BOLD}#{head}#{PLAIN}", *rest, *frames(error)]
    end

    def frames(error)
      trace = (error.backtrace || []).reject { |line| line.start_with?(BRIDGE) || line.start_with?('<internal:') }
      trace = trace[0, MOST / 2] + ["... #{trace.size - MOST} more ..."] + trace[-MOST / 2..] if trace.size > MOST
      quoted = nil
      trace.flat_map do |line|
        file, number, place = line.match(/\A(.*?):(\d+)(?::in `(.*)')?\z/)&.captures
        next ["  #{line}"] unless number

        text = quoted == [file, number] ? nil : @sources[file]&.lines&.at(number.to_i - 1)
        quoted = [file, number] if text
        place = nil if place == '<main>'
        ["  #{file}, line #{number}#{", in #{place}" if place}", *("    #{DIM}#{text.strip}#{PLAIN}" if text)]
      end
    end
  end
end
