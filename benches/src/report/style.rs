//! How a report looks.

/// The whole style sheet; fonts are the reader's own.
pub(super) const CSS: &str = "
:root{--ink:#18212b;--soft:#5b6876;--line:#e3e7ec;--paper:#fff;--ground:#f6f7f9;--c0:#0d7a6b;--c1:#c2691b;--c2:#5b5bd6;\
--c3:#a3336b;--c4:#3d7ea6;--c5:#7a7f2a;--good:#0d7a6b;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf0;--soft:#9aa7b4;--line:#2b333c;--paper:#161b21;--ground:#0f1317;\
--c0:#3fc1ab;--c1:#e99a55;--c2:#9a9af5;--c3:#e07fae;--c4:#7fbbe0;--c5:#bcc25f;--good:#3fc1ab;--bad:#f2867e}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",sans-serif;\
font-variant-numeric:tabular-nums}
main{max-width:980px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.02em;margin:2px 0 24px;display:flex;align-items:center;gap:14px;flex-wrap:wrap}
h2{font-size:18px;margin:0 0 4px;letter-spacing:-.01em}
h3{font-size:15px;margin:22px 0 8px}
h4{font-size:13px;font-weight:600;margin:0 0 8px;color:var(--soft)}
h4 em,.tile em{font-style:normal;font-weight:400;color:var(--soft)}
p{margin:0 0 12px;color:var(--soft)}
.kicker{margin:0;font-size:13px}
.badge{font-size:12px;font-weight:600;letter-spacing:0;padding:3px 10px;border-radius:99px;border:1px solid currentColor}
.good{color:var(--good)}.bad{color:var(--bad)}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:0 0 18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:0 0 18px}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:16px 18px;display:flex;flex-direction:column}
.tile b{font-size:28px;line-height:1.2;letter-spacing:-.02em}
.tile span{font-size:13px}.tile em{font-size:12px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:28px}
@media (max-width:720px){.pair{grid-template-columns:1fr}}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:8px 12px;align-items:center;font-size:13px}
.bar{display:contents}
.track{height:16px;background:var(--ground);border-radius:4px;overflow:hidden}
.track i{display:block;height:100%;border-radius:4px;background:currentColor;min-width:2px}
.value{text-align:right;white-space:nowrap}
svg{display:block;width:100%;height:auto;overflow:visible}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
.tick,.label{fill:var(--soft);font-size:11px}
.label{font-size:12px}
.end{text-anchor:end}.middle{text-anchor:middle}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.dashed{stroke-dasharray:6 5}
.dot{fill:currentColor;stroke:var(--paper);stroke-width:1.2}
.legend{display:flex;gap:4px 18px;flex-wrap:wrap;font-size:13px;margin:8px 0}
.key{display:inline-block;width:14px;height:3px;border-radius:2px;background:currentColor;margin:0 7px 3px 0}
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}.c5{color:var(--c5)}
.scroll{overflow-x:auto;margin:8px -24px 0;padding:0 24px}
table{border-collapse:collapse;font-size:13px;width:100%;white-space:nowrap}
th{font-weight:600;color:var(--soft);font-size:12px;text-align:right;padding:6px 10px;border-bottom:1px solid var(--line)}
td{text-align:right;padding:8px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;min-width:190px}
td:nth-child(2),th:nth-child(2),td:last-child,th:last-child{text-align:left}
.sub{color:var(--soft);font-size:12px}.why{color:var(--bad);font-size:12px}
.method{max-width:75ch}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:10px 24px;margin:0}
dt{font-size:12px;color:var(--soft)}dd{margin:0;font-size:13px}
@media print{body{background:#fff}section,.tile{break-inside:avoid}}
";
