// Reads server-sent events from a fetch body: an `EventSource` cannot carry an Authorization header.
// Knows nothing of what the events mean. Called by `ipc/http`.

/** Splits text that arrives in pieces into the `data` of whole events. */
export class SseReader {
  private rest = '';

  push(text: string): string[] {
    this.rest += text;
    const found: string[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.rest);
      if (!end) return found;
      const block = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
      if (lines.length > 0) found.push(lines.map((line) => line.slice(5).trimStart()).join('\n'));
    }
  }
}

/** Every event of the body, parsed as JSON; what is no JSON is left out. */
export async function* readEvents<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  const events = new SseReader();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const data of events.push(decoder.decode(value, { stream: true }))) {
        try {
          yield JSON.parse(data) as T;
        } catch {
          // A marker such as [DONE].
        }
      }
    }
  } finally {
    reader.releaseLock();
  }
}
