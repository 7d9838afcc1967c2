/** What every page has: plain, readable, light or dark as the browser wants it. */
export const style = `
:root { color-scheme: light dark; --ink: #1a1f36; --soft: #5b6478; --line: #e3e8ee; --paper: #fff; --back: #f6f8fa;
  --accent: #5a4fd0; --good: #157347; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ef; --soft: #9aa3b8; --line: #2d3446; --paper: #171b26;
  --back: #10131b; --accent: #9d94ff; --good: #5fcf95; --bad: #ff8a80; --warn: #f0b95a; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: var(--back); }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
p { margin: .25rem 0 .75rem; }
code, pre, .mono { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, monospace; }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; overflow: auto; margin: .5rem 0; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; }
table { border-collapse: collapse; width: 100%; }
th { font-size: .8rem; font-weight: 600; color: var(--soft); }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tag { display: inline-block; font-size: .75rem; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 99px; white-space: nowrap; }
button, .button { font: inherit; font-weight: 600; cursor: pointer; border-radius: 8px; padding: .5rem 1rem; border: 1px solid var(--line); background: var(--paper); color: var(--ink); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--paper); }
button:hover { filter: brightness(1.07); }
label { display: block; font-size: .85rem; font-weight: 600; margin: .75rem 0 0; }
time { white-space: nowrap; }
input, select { font: inherit; font-weight: 400; width: 100%; margin-top: .2rem; padding: .5rem .6rem; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); color: var(--ink); }
`;

/** The pages for developers. */
export const consoleStyle = `
.console { max-width: 78rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
.console > header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; margin-bottom: 1.25rem; }
.console section { margin-bottom: 1.25rem; }
.kinds { display: flex; flex-wrap: wrap; gap: .5rem; }
.kinds a { border: 1px solid var(--line); border-radius: 8px; padding: .35rem .7rem; color: var(--ink); }
.kinds b { margin-left: .35rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1.25rem; align-items: start; }
.columns section { min-width: 0; }
details summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
`;

/** The pages for buyers and customers. */
export const customerStyle = `
.shop { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; display: grid; gap: 1.5rem 2.5rem; }
.shop.two { grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); align-items: start; }
.shop.one { max-width: 40rem; }
.amount { font-size: 2.2rem; font-weight: 700; margin: .25rem 0 1rem; }
.row { display: flex; justify-content: space-between; gap: 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
.row.total { font-weight: 700; border-bottom: 0; }
.notice { border-radius: 8px; padding: .6rem .9rem; border: 1px solid currentColor; margin: 0 0 1rem; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-top: .75rem; }
.actions form { display: flex; gap: .5rem; align-items: end; }
.actions input { width: 6rem; }
.shop form > button.main { width: 100%; margin-top: 1.25rem; }
.shop .actions form > button.main { width: auto; margin-top: 0; }
.shop .card { margin-bottom: 0; }
.shop footer { grid-column: 1 / -1; font-size: .8rem; }
`;
