import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** A fenced block of a page. */
export interface Block {
  /** From the root of the project. */
  page: string
  /** Line of the page where it begins. */
  line: number
  language: string
  text: string
}

/** Every fenced block of the README, the docs and the runbooks. Decisions contain no commands to run. */
export function documentedBlocks(): Block[] {
  return globSync(['README.md', 'docs/**/*.md'], { cwd: root })
    .filter((page) => !/node_modules|decisions/.test(page))
    .sort()
    .flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')))
}

function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```([\w-]*)\n([\s\S]*?)^```/gm)].map(({ index, 1: language = '', 2: block = '' }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language,
    text: block,
  }))
}

/** The lines that a shell runs: continuations joined, comments taken out. */
export function commandsOf(block: Block): string[] {
  return block.text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
