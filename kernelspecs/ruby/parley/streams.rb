# frozen_string_literal: true

module Parley
  # Standard output and standard error are two pipes; what is printed on them in turn keeps its order because
  # the bridge waits until the server has emptied one before it writes to the other (section 6, `sync`).
  module Ordered
    class << self
      attr_accessor :frames, :last

      def before(stream)
        return if last.equal?(stream)

        frames.send_and_wait('sync', {}) if last && frames.ours?
        self.last = stream
      rescue ThreadError # a signal handler of the user prints; it may not wait for a lock
        nil
      end
    end

    def write(*)
      Ordered.before(self)
      super
    end

    # A program may close its output as its last act. The cells that follow still have theirs.
    def close
      flush
      nil
    end

    # Kernel#warn and Ruby's own warnings do not go through `write`.
    module Warnings
      def warn(*, **)
        Ordered.before(STDERR) if $stderr.equal?(STDERR)
        super
      end
    end

    def self.setup(frames)
      self.frames = frames
      [STDOUT, STDERR].each do |stream|
        stream.sync = true
        stream.singleton_class.prepend(self)
      end
      Warning.singleton_class.prepend(Warnings)
    end

    def self.flush = [STDOUT, STDERR].each(&:flush)
  end
end
