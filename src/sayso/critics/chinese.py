"""What a Chinese comment asks for, where it can be counted: a table of phrasings, each with the check it stands for.

Quoted words arrive as placeholders (`sayso.critics.words`). 字 counts as a word: a Chinese character is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sayso.critics.phrasings import (
    QUOTE,
    Asked,
    Maker,
    at_end,
    at_start,
    banned,
    being,
    check,
    containing,
    containing_bare,
    either,
    length,
    marked,
)
from sayso.records import Check

_LEAD = re.compile(
    r"(?:请你?|麻烦你?|务必|一定要|必须要?|应该|应当|应|需要?|你|您|每次|总是|都|也|就|最好|尽量|记得|希望你?|我希望你?|要(?!求)|"
    r"(?:你的|您的|每个|所有|这个)?(?:回答|回复|答案|回信|内容|文字|信|邮件)(?:里|中|中间|里面)?(?=请|要|必须|应|需|不|别|务必|一定|都|总是|最多|至少))"
)
_NOT = re.compile(
    r"(?:不要再?|别再?|不准|不能|不可以?|不许|不得|不应该?|不该|禁止|避免|切勿|请勿|勿|不必|不用再?|不允许|无需|没有必要|从不|"
    r"绝不要?|千万不要|千万别|不需要|少用|不(?=[使用说写提加带问含]))"
)
_TRAIL = re.compile(r"(?:了|吧|哦|啊|呀|谢谢|即可|就好|就行|就可以|来回答|来回复|作答|回答|回复)$")
_SAY = r"(?:再|出现|使用|用|说|写|讲|提及|提到|提|包含|包括|含有|含|带上|带|加上|加入|加|有|写上|写明|注明)"
_NAMED = r"(?:这?个?(?:词语?|字|短语|句子|句话|说法|表达|话))?"
_AFTER = r"(?:这样|这类|之类|一类|等|这些|这|那)?(?:的)?(?:几个|两个|个|句)?(?:词语?|字眼?|短语|话|句子|说法|表达)?"
_LIST = rf"(?P<quotes>{QUOTE}(?:(?:、|，|,|或者?|和|以及|与|及)?{QUOTE})*)"
_BARE = r"(?P<bare>[^\s，。！？、的了\ue000\ue001]{1,6})"
_NUMBER = r"(?P<number>\d+|[零〇一二两三四五六七八九十百千]+)"
_UNIT = r"(?:个)?(?P<unit>字符|字|词|单词|句话|句子|句)"
_BE = (
    r"(?:(?:字数|长度|篇幅|全文|总共|一共|内容|回答|回复)*(?:请|要|应|须|必须)?(?:控制|限制|保持|限)?"
    r"(?:在|为|于)?(?:用|写|说)?)?"
)
_EMOJI = r"(?:任何|一个|个|一些|些|点|一点|几个)?(?:表情符号|表情包|表情|emoji|颜文字|笑脸)(?:符号|表情)?"
_WHOM = r"(?:我|对方|用户|别人|客户)?"
_ASKING = rf"(?:(?:提问|反问|发问|追问){_WHOM}|问问题|问{_WHOM}(?:任何)?问题|提(?:出)?(?:任何)?问题)"
_QUESTION = r"(?:一个|个|任何|一些)?(?:反)?(?:问题|提问|问句|疑问句|反问句|设问|反问)"
_LISTS = r"(?:项目符号|列表|要点|分点|条列|清单|编号|分条)(?:的?(?:形式|方式|格式|列表))?"
_MARKS = {"感叹号|惊叹号|叹号": "！", "分号": "；", "破折号": "—", "省略号": "…"}


def _bare(asked: Asked) -> Check | None:
    return (
        None
        if asked.match["bare"].startswith(("太", "这么", "那么", "什么", "任何", "得", "脏"))
        else containing_bare(asked)
    )


def _bare_start(asked: Asked) -> Check | None:
    return None if asked.negative else check("starts_with", text=asked.match["bare"])


def _bare_end(asked: Asked) -> Check | None:
    return None if asked.negative else check("ends_with", text=asked.match["bare"])


def _question_at_end(asked: Asked) -> Check:
    if asked.negative:
        return check("regex", pattern=r"[?？][\"'”’)）\s]*\Z", absent=True)
    return check("ends_with_question")


_FIRST, _LAST = r"(?:开头|开始|开场|开篇|打头)", r"(?:结尾|结束|收尾|落款|作结|末尾|最后)"
_PHRASINGS: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(expression), make)
    for expression, make in (
        (rf"(?:以|用|从|拿){_NAMED}{_LIST}{_AFTER}(?:来|作为|做|为)?{_FIRST}", at_start),
        (rf"(?:在)?{_FIRST}(?:处|的?时候|第一句)?(?:先|要|必须|请|应该|不要|别)*(?:{_SAY}|是|为){_NAMED}{_LIST}", at_start),
        (rf"(?:第一句话?|第一个词|首句)(?:要|必须|请|应该)*(?:{_SAY}|是|为){_LIST}", at_start),
        (rf"(?:先说|先写|先用){_LIST}", at_start),
        (rf"(?:以|用|拿){_QUESTION}(?:来|作为|做|为)?{_LAST}", _question_at_end),
        (
            rf"(?:在)?{_LAST}(?:处|的?时候)?(?:要|必须|请|应该)*(?:问|提|提出|加|加上|用|来)?(?:一个|个)?(?:{_QUESTION}|{_ASKING})",
            _question_at_end,
        ),
        (rf"(?:以|用|拿){_NAMED}{_LIST}{_AFTER}(?:来|作为|做|为)?{_LAST}", at_end),
        (rf"(?:在)?{_LAST}(?:处|的?时候|一句)?(?:要|必须|请|应该|不要|别)*(?:{_SAY}|是|为){_NAMED}{_LIST}", at_end),
        (rf"(?:最后一句话?|末句)(?:要|必须|请|应该)*(?:{_SAY}|是|为){_LIST}", at_end),
        (rf"(?:以|用){_BARE}(?:作为|做|为)?{_FIRST}", _bare_start),
        (rf"(?:以|用){_BARE}(?:作为|做|为)?{_LAST}", _bare_end),
        (rf"(?:只|仅)(?:能|要|需|可以)?(?:回答|回复|说|写|输出){_LIST}", being),
        (rf"(?:{_SAY})+{_NAMED}{_LIST}{_AFTER}", containing),
        (rf"{_NAMED}{_LIST}{_AFTER}", banned),
        (rf"(?:{_SAY}|回答|回复)*(?:{_SAY})?{_EMOJI}", either("has_emoji", "no_emoji")),
        (rf"(?:{_ASKING}|(?:{_SAY}|问|提出)*{_QUESTION}|(?:{_SAY})*问号)", either("is_question", "not_question")),
        *((rf"(?:{_SAY})*(?:任何|一个|个)?(?:{names})", marked(sign)) for names, sign in _MARKS.items()),
        (rf"(?:{_SAY}|以|按|分成|写成|列成|采用)*{_LISTS}(?:列出|回答|回复|说明|呈现)?", either("bullets", "no_bullets")),
        (r"(?:全部|全都|全|都)?(?:{0})?小写(?:字母)?".replace("{0}", _SAY), either("lowercase", None)),
        (r"(?:全部|全都|全|都)?(?:{0})?大写(?:字母)?".replace("{0}", _SAY), either("uppercase", "lowercase")),
        (
            r"(?:只|仅)?(?:以|用|使用|输出|返回|回答)*(?:有效的?|合法的?)?json(?:格式)?(?:输出|回答|回复|返回)?",
            either("json_valid", None),
        ),
        (rf"{_BE}(?:不超过|不多于|不要超过|别超过|不能超过|不得超过|最多|至多|不大于){_BE}{_NUMBER}{_UNIT}", length("max")),
        (rf"{_BE}(?:超过|多于|超出){_NUMBER}{_UNIT}", length("over")),
        (rf"{_BE}(?:少于|低于|不足|不到|小于){_NUMBER}{_UNIT}", length("under")),
        (rf"{_BE}(?:至少|最少|不少于|不低于|起码){_BE}{_NUMBER}{_UNIT}", length("min")),
        (rf"{_BE}{_NUMBER}{_UNIT}(?:以内|之内|以下|内)", length("max")),
        (rf"{_BE}{_NUMBER}{_UNIT}(?:以上)", length("min")),
        (rf"(?:只|仅)?(?:用|写|说|回答|回复|能)*{_NUMBER}{_UNIT}(?:话)?(?:来)?(?:说完|概括|总结|说明)?", length("max")),
        (rf"(?:说|提|用词语?|使用){_BARE}", _bare),
    )
)
_LIMIT = re.compile(r"不(?:要|能|得|可|许)?(?:超过|多于|少于|低于|大于)")


def check_of(asked: str, quotes: Sequence[str]) -> Check | None:
    """Return the check that a phrase asks for (its quotes as placeholders), or None."""
    core, negative = _core(asked)
    for expression, make in _PHRASINGS:
        match = expression.fullmatch(core)
        found = make(Asked(match=match, quotes=quotes, negative=negative)) if match else None
        if found is not None:
            return found
    return None


def _core(asked: str) -> tuple[str, bool]:
    """Return what is asked without politeness and negation, and whether it was negated."""
    core, negative = _trimmed(re.sub(r"\s+", "", asked.lower())), False
    while True:
        found = _LEAD.match(core) or (None if _LIMIT.match(core) else _NOT.match(core))
        if found is None or found.end() == len(core):
            return core, negative
        negative = negative or found.re is not _LEAD
        core = core[found.end() :].lstrip("，,")


def _trimmed(text: str) -> str:
    core = text.strip("，。！,.!；;：: ")
    while (trail := _TRAIL.search(core)) and trail.start():
        core = core[: trail.start()].strip("，。！,.! ")
    return core
