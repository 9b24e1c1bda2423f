/** Fenced blocks of a Markdown file: what is to be run, and what it is said to print. */

/** Commands, and the text that follows them at once in a block of its own: what they print. */
export interface Block {
  readonly line: number;
  readonly commands: string;
  /** `…` stands for anything; null: nothing is said. */
  readonly output: string | null;
}

interface Fence {
  readonly language: string;
  readonly line: number;
  readonly endLine: number;
  readonly text: string;
}

/** Blocks in `sh`, each with a `json` or `text` block right below it; and `console` blocks, whose commands follow a `$`. */
export function blocksOf(markdown: string): readonly Block[] {
  const lines = markdown.split('\n');
  const fences = fencesOf(lines);
  return fences.flatMap((fence, index): Block[] => {
    if (fence.language === 'console') return [consoleBlock(fence)];
    if (fence.language !== 'sh') return [];
    const next = fences[index + 1];
    const isOutput =
      next !== undefined &&
      (next.language === 'json' || next.language === 'text') &&
      lines.slice(fence.endLine, next.line - 1).every((line) => line.trim() === '');
    return [{ line: fence.line, commands: fence.text, output: isOutput ? next.text : null }];
  });
}

function consoleBlock({ line, text }: Fence): Block {
  const lines = text.split('\n');
  const commands: string[] = [];
  const output: string[] = [];
  let goesOn = false;
  for (const each of lines) {
    if (goesOn || each.startsWith('$ ')) commands.push(goesOn ? each : each.slice(2));
    else output.push(each);
    goesOn = (goesOn || each.startsWith('$ ')) && each.endsWith('\\');
  }
  return { line, commands: commands.join('\n'), output: output.join('\n') };
}

function fencesOf(lines: readonly string[]): readonly Fence[] {
  const fences: Fence[] = [];
  let open: { language: string; line: number } | null = null;
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('```')) continue;
    if (open === null) {
      open = { language: line.slice(3).trim(), line: index + 1 };
    } else {
      fences.push({ ...open, endLine: index + 1, text: lines.slice(open.line, index).join('\n') });
      open = null;
    }
  }
  return fences;
}

/** Whether `printed` is what `expected` says, whatever the spaces; `…` stands for anything. */
export function isPrinted(expected: string, printed: string): boolean {
  const bare = (text: string): string => text.replaceAll(/\s+/g, '');
  const parts = bare(expected)
    .split('…')
    .map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*?')}$`, 'u').test(bare(printed));
}
