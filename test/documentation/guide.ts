import { documentedBlocks } from './blocks.ts'

/** The first block of a guide in this language that contains the text. @param page its name in docs/guides */
export function guideBlock(page: string, language: string, having = ''): string {
  const found = documentedBlocks().find(
    (block) => block.page === `docs/guides/${page}` && block.language === language && block.text.includes(having),
  )
  if (found === undefined) throw new Error(`docs/guides/${page} has no ${language} block with “${having}”`)
  return found.text
}

/** @throws unless the text contains each of the words that are replaced, so that a changed guide changes its test */
export function replaced(text: string, words: Readonly<Record<string, string>>): string {
  return Object.entries(words).reduce((result, [word, value]) => {
    if (!result.includes(word)) throw new Error(`“${word}” is missing in:\n${result}`)
    return result.replaceAll(word, value)
  }, text)
}
