"""How a report looks: on a screen, on a phone and on paper; no outside font, picture or script."""

# Contrast of every text against its ground is 7 to 1 or more (WCAG 2.2, level AAA).
STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.2rem;max-width:1150px;background:#fff;color:#1a1a1a;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
h1{font-size:1.7rem;line-height:1.2;margin:0}
h2{font-size:1.25rem;margin:2rem 0 .6rem;border-bottom:2px solid #1a1a1a;padding-bottom:.2rem}
h3{font-size:1.05rem;margin:0 0 .4rem}
p{margin:.4rem 0;max-width:75ch}
a{color:#0b4a8f}
code{font-family:ui-monospace,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
dd code{overflow-wrap:anywhere}
.lead{color:#3d3d3d}
.box{border:2px solid;border-left-width:.6rem;border-radius:4px;padding:.6rem 1rem;margin:1rem 0}
.box p,.box ul{max-width:none}
.box h2{border:0;margin:0 0 .2rem;padding:0;font-size:1.1rem}
.box ul{margin:.2rem 0;padding-left:1.2rem}
.research{border-color:#6b6b6b;background:#f4f4f4}
.warning{border-color:#b35900;background:#fff4e3}
.calm{border-color:#3a5f86;background:#eff5fb}
.empty{border-color:#a00000;background:#fdeeee}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #c9c9c9}
thead th{border-bottom:2px solid #1a1a1a}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.swatch{display:inline-block;width:1em;height:1em;border:1px solid #1a1a1a;border-radius:2px;
margin-right:.45em;vertical-align:-.12em}
.row{margin:0 0 1.4rem;break-inside:avoid}
.note{font-weight:400;color:#3d3d3d;font-size:.93rem}
.planes{display:flex;gap:4px;align-items:flex-start}
.planes>div{min-width:0}
figure{margin:0 0 .3rem}
figure svg{display:block;width:100%;height:auto;background:#000;border-radius:3px}
figure svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
figcaption{font-size:.82rem;color:#3d3d3d}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,500px),1fr));gap:0 1.5rem}
.small .row{border-top:1px solid #c9c9c9;padding-top:.5rem;margin-bottom:1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:.4rem 0}
dt{font-weight:600}
dd{margin:0;min-width:0}
@media(max-width:640px){
body{padding:.8rem}
dl{grid-template-columns:1fr;gap:0}
dd{margin-bottom:.4rem}
.full .planes{flex-direction:column;gap:.6rem}
.full .planes>div{width:100%}
}
@media print{
@page{margin:12mm}
body{max-width:none;padding:0;font-size:10pt}
a{color:inherit;text-decoration:none}
h2,h3{break-after:avoid}
h2{margin-top:1.2rem}
.row{margin-bottom:.6rem}
.box,tr{break-inside:avoid}
.wide{overflow:visible}
.small{grid-template-columns:1fr 1fr}
.full .planes{flex-direction:row}
.box,.swatch,figure svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""
