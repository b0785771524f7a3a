import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { repository } from '../support/environment.js';
import { type Page, pages, proseOf } from './pages.js';

const all = pages();

/** The anchors of a page's headings. */
function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#{1,6} +(.*)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    for (let n = 0, name = anchor; ; name = `${anchor}-${(n += 1)}`) {
      if (anchors.has(name)) continue;
      anchors.add(name);
      break;
    }
  }
  return anchors;
}

/** Why a link leads nowhere; null if it leads somewhere, or out of the repository. */
function whyBroken(page: Page, link: string): string | null {
  if (/^[a-z]+:/.test(link)) return null;
  const [path = '', anchor] = link.split('#', 2);
  const target = path === '' ? page.path : normalize(join(dirname(page.path), path));
  if (!existsSync(join(repository, target))) return 'nothing is there';
  if (anchor === undefined) return null;
  if (statSync(join(repository, target)).isDirectory()) return 'a directory has no headings';
  const found = all.find((one) => one.path === target);
  return found !== undefined && anchorsOf(found).has(anchor) ? null : 'no such heading';
}

it.each(all)('links of $path lead somewhere', (page) => {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  const broken = links.map((link) => ({ link, why: whyBroken(page, link) }));
  expect(broken.filter(({ why }) => why !== null)).toEqual([]);
});

it('finds links that lead nowhere', () => {
  const page = { path: 'docs/why.md', text: '' };
  expect(whyBroken(page, 'nowhere.md')).toBe('nothing is there');
  expect(whyBroken(page, 'semantics.md#nothing-of-the-kind')).toBe('no such heading');
  expect(whyBroken(page, '../README.md#two-commands')).toBeNull();
});
