"""How the page of an evaluation looks, beyond what all reports share; see ``report_style`` for contrast and paper."""

from __future__ import annotations

from medseg.runs.evaluation_pictures import GALLERY_STYLE

EVALUATION_STYLE = (
    GALLERY_STYLE
    + """
nav{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.6rem 0;font-size:.93rem}
.bad{border-color:#a00000;background:#fdeeee}
.good{border-color:#00664b;background:#eaf6f1}
.box ul.plain{list-style:none;padding-left:0}
.badge{display:inline-block;border:1px solid;border-radius:3px;padding:0 .45em;font-size:.82rem;font-weight:600;
white-space:nowrap;margin-right:.5em}
.badge.met{color:#004d39;background:#d5efe5}
.badge.unmet{color:#8a0000;background:#fbdada}
.badge.tag{color:#6b3300;background:#fff0dc;font-weight:400;margin:0 .3em .15em 0}
.under{display:block;color:#3d3d3d;font-size:.78rem;white-space:nowrap;line-height:1.3}
.wide th[scope=row]{position:sticky;left:0;background:#fff}
.name{display:inline-block;width:max-content;max-width:11rem;overflow-wrap:anywhere}
.wide table{font-size:.86rem}
.wide td,.wide th{padding:.3rem .35rem}
th.number{white-space:normal}
thead th{vertical-align:bottom}
tr.over th,tr.over td{border-bottom:0;padding-bottom:0}
tr.over th{border-left:1px solid #c9c9c9;color:#3d3d3d;font-size:.85rem}
details{margin:.6rem 0}
summary{cursor:pointer;font-weight:600;padding:.2rem 0;color:#0b4a8f}
details details{margin-left:1rem}
.blocks{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:0 1.5rem}
.blocks>.full{grid-column:1/-1}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:.6rem 1rem;
margin:.4rem 0 1rem;align-items:start}
.charts img{display:block;width:100%;max-width:440px;height:auto}
.sign{font-family:"DejaVu Sans",sans-serif}
.gallery{border-top:1px solid #c9c9c9;padding-top:.6rem;margin:0 0 1.4rem}
@media print{
nav{display:none}
details::details-content{content-visibility:visible;display:block;height:auto}
.wide th[scope=row]{position:static}
.wide table{font-size:7.5pt}
.wide th,.wide td{padding:.15rem .25rem}
.under{font-size:6.5pt}
.charts{grid-template-columns:repeat(3,1fr)}
.charts img,.blocks>div{break-inside:avoid}
.wide .badge{font-size:6.5pt;padding:0 .3em}
.badge{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""
)
