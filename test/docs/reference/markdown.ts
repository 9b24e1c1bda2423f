/** The Markdown that pages of the reference are made of. */

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellText).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A cell has one line, and a bar would end it. */
function cellText(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}

export function code(value: unknown): string {
  const text = typeof value === 'string' ? value : flow(value);
  return text === '' ? '' : text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** As one writes it in YAML, in a line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${flow(each)}`)
      .join(', ')} }`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  // What YAML would read as anything else than this text in a flow mapping.
  return /^[\w@.:/-]+(?: [\w@.:/-]+)*$/.test(value) && !/: |^-|:$/.test(value) ? value : JSON.stringify(value);
}

/** As GitHub makes it of a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}

export function link(text: string, heading: string): string {
  return `[${text}](#${anchor(heading)})`;
}
