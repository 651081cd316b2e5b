"""How the page of a compiled function looks, in light and in dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: light-dark(#fcfcfa, #16181c);
  --ink: light-dark(#20242a, #e3e5e8);
  --faint: light-dark(#6a7078, #9aa1ab);
  --box: light-dark(#eef1f5, #252a32);
  --edge: light-dark(#b9c2ce, #47505e);
  --hot: light-dark(#ff9d5c, #c4501b);
  --link: light-dark(#0b5cad, #7ab7ff);
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; }
h1 code { font-size: inherit; }
h2 { font-size: 1.2rem; margin-top: 2.4rem; }
p { max-width: 46rem; }
a { color: var(--link); }
small { color: var(--faint); }
pre, code, .number { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; padding: 0.7rem 0.9rem; background: var(--box); border-radius: 7px; }
details > pre { max-height: 34rem; overflow: auto; }
summary { cursor: pointer; padding: 0.15rem 0; }
details.step { border-top: 1px solid var(--edge); padding: 0.4rem 0; }
details.step > :not(summary) { margin-left: 1.4rem; }
.code { background: none; border-left: 3px solid var(--edge); border-radius: 0;
  scroll-margin-top: 4rem; }
.source { border-collapse: collapse; }
.source td { padding: 0 0.9rem 0 0; white-space: pre; vertical-align: baseline; }
.source th { font: 12px system-ui, sans-serif; color: var(--faint); text-align: left; }
.source td:nth-child(n + 3) { white-space: normal; max-width: 16rem; }
.source .number { color: var(--faint); text-align: right; }
.source a { display: inline-block; min-width: 1.3em; text-align: center; text-decoration: none;
  background: var(--box); border-radius: 5px; }
.picture { overflow-x: auto; }
svg { display: block; margin: 0 auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); text-anchor: middle; }
svg .head { font-weight: 600; }
svg .label { fill: var(--faint); text-anchor: start; font-size: 11px; paint-order: stroke;
  stroke: var(--paper); stroke-width: 3px; }
svg rect { stroke: var(--edge); fill: color-mix(in oklab, var(--hot) calc(var(--heat) * 100%),
  var(--box)); }
svg .shared rect { stroke-width: 2px; }
svg .argument rect { fill: var(--paper); stroke-dasharray: 4 3; }
svg a:hover rect { stroke: var(--link); }
svg .arrow, svg .line { fill: none; stroke: var(--faint); stroke-width: 1.3px; }
svg .arrow { marker-end: url(#tip); }
svg .tip { fill: var(--faint); }
"""
