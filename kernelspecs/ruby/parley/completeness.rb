# frozen_string_literal: true

module Parley
  # Whether a front end should run the code or give it another line.
  module Completeness
    MORE = /unexpected end-of-input|unterminated|meets end of file|can't find string|unexpected end of file|expected a? ?matching|end of the program/
    OPENS = /\A\s*(if|unless|while|until|for|case|class|module|def|begin|else|elsif|when|in|rescue|ensure)\b|\b(do|then)(\s*\|[^|]*\|)?\s*\z|[{(\[]\s*(\|[^|]*\|)?\s*\z/
    TEXT = /unterminated|can't find string|meets end of file/

    class << self
      def of(code)
        return { status: 'incomplete', indent: '' } if code.match?(/(?<!\\)\\\n?\z/)

        verbose, $VERBOSE = $VERBOSE, nil
        RubyVM::InstructionSequence.compile(code)
        { status: 'complete' }
      rescue SyntaxError => e
        # more text can mend it only if nothing else is wrong
        return { status: 'invalid' } unless e.message.match?(MORE) && e.message.scan(/syntax error, unexpected (?!end-of-input)/).empty?

        { status: 'incomplete', indent: e.message.match?(TEXT) ? '' : indent(code) }
      ensure
        $VERBOSE = verbose
      end

      private

      def indent(code)
        line = code.lines.reject { |text| text.strip.empty? }.last.to_s.chomp
        line[/\A\s*/] + (line.match?(OPENS) ? '  ' : '')
      end
    end
  end
end
