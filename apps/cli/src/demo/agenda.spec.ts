import { Agenda } from './agenda.js';
import { Random } from './random.js';

describe('the agenda', () => {
  it('gives things out by time, first in first among equals', () => {
    const agenda = new Agenda();
    const random = new Random(3);
    const due = Array.from({ length: 200 }, (_, index) => ({ at: random.between(0, 20), index }));
    const done: typeof due = [];
    for (const item of due) agenda.add(item.at, () => done.push(item));
    for (let next = agenda.take(10); next; next = agenda.take(10)) next.run();
    expect(agenda.nextAt()).toBe(11);
    for (let next = agenda.take(99); next; next = agenda.take(99)) next.run();
    expect(done).toEqual(due.toSorted((a, b) => a.at - b.at || a.index - b.index));
  });
});
