// Short notes at the edge of the window, and the words that a screen reader says politely. Called by actions and live events.

export interface Note {
  id: number;
  tone: 'plain' | 'ok' | 'bad';
  text: string;
  action?: { label: string; run: () => void };
}

const STAY_MS = 6000;

class Notes {
  list: Note[] = $state([]);
  /** The last thing worth saying aloud. */
  said = $state('');
  /** How many sheets lie over each other: only what is in the uppermost can be seen and used, so notes are shown there. */
  sheets = $state(0);
  private next = 1;

  add(tone: Note['tone'], text: string, action?: Note['action']): void {
    const note: Note = { id: this.next++, tone, text, ...(action ? { action } : {}) };
    this.list = [...this.list.slice(-2), note];
    // A note with an action or a problem stays longer: it has to be read and decided on.
    setTimeout(() => this.drop(note.id), action || tone === 'bad' ? 2 * STAY_MS : STAY_MS);
  }

  say(text: string): void {
    this.said = text;
  }

  drop(id: number): void {
    this.list = this.list.filter((note) => note.id !== id);
  }
}

export const notes = new Notes();
