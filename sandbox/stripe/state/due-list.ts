/** A row's number and its moment in unix seconds. */
interface Entry {
  readonly at: number;
  readonly number: number;
}

/** Entries by moment, then by number. Adding and removing search by halves. */
export class DueList {
  /** Latest first, so that the next one is taken off the end. */
  private readonly entries: Entry[] = [];

  first(): Entry | undefined {
    return this.entries.at(-1);
  }

  add(entry: Entry): void {
    this.entries.splice(this.position(entry), 0, entry);
  }

  remove(entry: Entry): void {
    const position = this.position(entry);
    const found = this.entries[position];
    if (found?.at === entry.at && found.number === entry.number) this.entries.splice(position, 1);
  }

  /** The first position that does not come after the entry. */
  private position(entry: Entry): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.entries[middle];
      if (other && isAfter(other, entry)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isAfter(one: Entry, other: Entry): boolean {
  return one.at === other.at ? one.number > other.number : one.at > other.at;
}
